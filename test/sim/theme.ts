/** What themes and stories are made of: see `themes.ts`. */
import type { Dice } from './dice.ts'
import type { Act, ActName, History, Step } from './history.ts'

/** `people`: at so many of the devices, the first ones, people act. */
export type Household = { devices: number; people: number }

/** What a theme may change of a history. */
export type Themed = Pick<History, 'steps' | 'hasModes' | 'refusing' | 'roundChangesMax'>

export type StepsTheme = (steps: Step[], dice: Dice, household: Household) => Step[]

export type Theme = (steps: Step[], dice: Dice, household: Household) => Step[] | Partial<Themed>

export const numbers = (count: number): number[] => Array.from({ length: count }, (_, number) => number)

export const actOf = (dice: Dice, what: ActName, device: number): Act => ({
  device,
  what,
  where: dice.seed(),
  how: dice.seed(),
  isNear: dice.below(4) > 0,
})
