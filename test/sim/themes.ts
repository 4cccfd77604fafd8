/**
 * Themes: what chance seldom brings together is together in a history that has one. A theme changes the steps that a seed
 * made; what it adds comes from dice of its own.
 */
import { diceOf, type Dice } from './dice.ts'
import type { ActName, Fault, Step } from './history.ts'
import { stories } from './stories.ts'
import { actOf, type Household, type StepsTheme, type Theme, type Themed } from './theme.ts'

/** In one history of three. */
export const withTheme = (given: Themed, seed: number, household: Household): Themed => {
  const dice = diceOf(seed ^ 0x7e3e)
  if (!dice.oneIn(3)) return given
  const themed = dice.pick(themes)(given.steps, dice, household)
  return { ...given, ...(Array.isArray(themed) ? { steps: themed } : themed) }
}

const changeTurns = (steps: Step[], change: (step: Step & { kind: 'turns' }) => Step): Step[] =>
  steps.map((step) => (step.kind === 'turns' ? change(step) : step))

/** Most turns meet a fault, each at another call. */
const faulty =
  (faultAt: (at: number, dice: Dice) => Fault): StepsTheme =>
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

/** Most of what people do is one of these. */
const withActs = (steps: Step[], dice: Dice, names: ActName[]): Step[] =>
  steps.map((step) =>
    step.kind === 'acts'
      ? { ...step, acts: step.acts.map((act) => (dice.oneIn(4) ? act : { ...act, what: dice.pick(names) })) }
      : step,
  )

/** The server is copied and put back, maybe more than once, with all that happens in between. */
const serverGoesBack: StepsTheme = (steps, dice) => {
  const all = [...steps]
  for (let count = 1 + dice.below(2); count > 0; count--) {
    const at = dice.below(all.length)
    const back: Step = { kind: 'put back the server', isAnnounced: dice.oneIn(2) }
    all.splice(at + 1 + dice.below(all.length - at), 0, back)
    all.splice(at, 0, { kind: 'keep a copy of the server' })
  }
  return all
}

/** Scans stop after every few changes, while folders go into each other and a good part of what is found cannot be done. */
const cutScans: Theme = (steps, dice, household) => ({
  steps: withActs(flaky(steps, dice, household), dice, [
    ...(['put inside', 'put inside', 'nest', 'nest', 'box', 'box'] as const),
    ...(['move', 'make many', 'edit', 'remove', 'create'] as const),
  ]),
  roundChangesMax: 1 + dice.below(3),
})

/** Links are in one mode and another, and names change hands meanwhile. */
const oddModes: Theme = (steps, dice, { devices, people }) => {
  // Whoever acts alone ends with what they left.
  if (people === 1) return steps
  const all = withActs(steps, dice, [
    'move',
    'rotate',
    'create',
    'create',
    'box',
    'swap',
    'chain',
    'save',
    'put inside',
  ])
  for (let count = 1 + dice.below(4); count > 0; count--) {
    const event = { kind: 'event' as const, device: dice.below(devices), event: 'change the mode' as const }
    all.splice(dice.below(all.length), 0, { ...event, seed: dice.seed() })
  }
  return { steps: all, hasModes: true }
}

const flaky = faulty((at) => ({ kind: 'flaky', oneIn: 2 + (at % 12), at }))
const crashing = faulty((at, dice) => ({ kind: 'crash', at, isPowerCut: dice.oneIn(3) }))

const themes: Theme[] = [
  ...stories,
  busyHands,
  busyHands,
  serverGoesBack,
  faulty((at, dice) => ({ kind: dice.oneIn(3) ? 'unplug' : 'hide', at })),
  crashing,
  (steps, dice, household) => serverGoesBack(crashing(steps, dice, household), dice, household),
  faulty((at) => ({ kind: 'busy', at })),
  flaky,
  cutScans,
  oddModes,
  (steps, dice, household) => oddModes(crashing(steps, dice, household), dice, household),
  faulty((at, dice) => ({ kind: 'cut', at: 1 + (at % 10), calls: 1 + dice.below(4) })),
]
