/**
 * Themes: what chance seldom brings together is together in a history that has one. A theme changes the steps that a seed
 * made; what it adds comes from dice of its own.
 */
import { diceOf, type Dice } from './dice.ts'
import type { Act, ActName, ChoreName, Fault, Step, Turn } from './history.ts'

/** `people`: at so many of the devices, the first ones, people act. */
type Household = { devices: number; people: number }

type Theme = (steps: Step[], dice: Dice, household: Household) => Step[]

/** In one history of three. */
export const withTheme = (steps: Step[], seed: number, household: Household): Step[] => {
  const dice = diceOf(seed ^ 0x7e3e)
  return dice.oneIn(3) ? dice.pick(themes)(steps, dice, household) : steps
}

const changeTurns = (steps: Step[], change: (step: Step & { kind: 'turns' }) => Step): Step[] =>
  steps.map((step) => (step.kind === 'turns' ? change(step) : step))

/** Most turns meet a fault, each at another call. */
const faulty =
  (faultAt: (at: number, dice: Dice) => Fault): Theme =>
  (steps, dice) =>
    changeTurns(steps, (step) => ({
      ...step,
      turns: step.turns.map(({ device, fault }) => ({
        device,
        fault: dice.below(3) > 0 ? faultAt(1 + dice.below(dice.pick([8, 24, 60])), dice) : fault,
      })),
    }))

/** What people do to just that which a turn is busy with. */
const near: ActName[] = ['edit', 'edit', 'append', 'save', 'retype', 'link', 'link', 'move', 'remove', 'rewrite unseen']

/** Hands are on the keyboard all the time, and turns take long enough that every change has a moment of its own. */
const busyHands: Theme = (steps, dice, { people }) =>
  changeTurns(steps, (step) => ({
    ...step,
    parkOneIn: 1,
    paceMs: 30,
    meanwhile: Array.from({ length: 2 + dice.below(5) }, () => ({
      after: dice.below(60),
      act: actOf(dice, dice.pick(near), dice.pick(step.turns).device % people),
    })).sort((a, b) => a.after - b.after),
  })).map((step) =>
    step.kind === 'acts' && dice.oneIn(2)
      ? { ...step, acts: step.acts.map((act) => ({ ...act, what: dice.pick(near) })) }
      : step,
  )

const actOf = (dice: Dice, what: ActName, device: number): Act => ({
  device,
  what,
  where: dice.seed(),
  how: dice.seed(),
  isNear: dice.below(4) > 0,
})

/** The server is copied and put back, maybe more than once, with all that happens in between. */
const serverGoesBack: Theme = (steps, dice) => {
  const all = [...steps]
  for (let count = 1 + dice.below(2); count > 0; count--) {
    const at = dice.below(all.length)
    const back: Step = { kind: 'put back the server', isAnnounced: dice.oneIn(2) }
    all.splice(at + 1 + dice.below(all.length - at), 0, back)
    all.splice(at, 0, { kind: 'keep a copy of the server' })
  }
  return all
}

/**
 * What was thrown away is forgotten and pruned just as somebody brings it back, whose device believes that the vault has
 * its chunks. Maybe months pass, and what was forgotten is rescued.
 */
const prunedAndBack: Theme = (steps, dice, { devices, people }) => {
  // Whoever acts alone ends with what they left.
  if (people === 1) return steps
  const device = dice.below(devices)
  const other = (device + 1) % devices
  const everybody = Array.from({ length: devices }, (_, device) => ({ device, fault: null }))
  const acts = (...names: ActName[]): Step => ({ kind: 'acts', acts: names.map((what) => actOf(dice, what, other)) })
  const settle = (): Step => {
    const seed = dice.seed()
    return { kind: 'turns', turns: everybody, parkOneIn: 0, paceMs: 3, seed, meanwhile: [] }
  }
  const chore = (chore: ChoreName, turns: Turn[] = []): Step => {
    const seed = dice.seed()
    return { kind: 'chore', device, chore, seed, fault: null, turns, parkOneIn: turns.length > 0 ? 1 : 0 }
  }
  const story = [
    acts('make many', 'create'),
    settle(),
    acts('remove', 'remove', 'save'),
    settle(),
    acts('save', 'create'),
    settle(),
    acts('save', 'create'),
    settle(),
    chore('forget'),
    settle(),
    acts('bring back', 'bring back'),
    { kind: 'trouble' as const, device, trouble: 'slow' as const, seed: 0 },
    chore(
      'prune',
      everybody.filter((turn) => turn.device !== device),
    ),
    ...(dice.oneIn(2) ? [{ kind: 'sweep' as const }] : []),
    chore('rescue'),
  ]
  return steps.toSpliced(dice.below(steps.length + 1), 0, ...story)
}

const crashing = faulty((at, dice) => ({ kind: 'crash', at, isPowerCut: dice.oneIn(3) }))

const themes: Theme[] = [
  prunedAndBack,
  busyHands,
  busyHands,
  serverGoesBack,
  faulty((at, dice) => ({ kind: dice.oneIn(3) ? 'unplug' : 'hide', at })),
  crashing,
  (steps, dice, household) => serverGoesBack(crashing(steps, dice, household), dice, household),
  faulty((at) => ({ kind: 'busy', at })),
  faulty((at) => ({ kind: 'flaky', oneIn: 2 + (at % 12), at })),
  faulty((at, dice) => ({ kind: 'cut', at: 1 + (at % 10), calls: 1 + dice.below(4) })),
]
