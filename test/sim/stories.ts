/**
 * Stories: steps that belong together, in an order that chance would never find, put into a history or at its end. What a
 * story at the end leaves undone nobody stumbles over later: the last turns must know of it.
 */
import { linkModes } from '@anysync/client/ports.ts'
import { diceOf, type Dice } from './dice.ts'
import type { ActName, ChoreName, EventName, Fault, Step, Turn } from './history.ts'
import { actOf, numbers, type StepsTheme, type Theme } from './theme.ts'

const acts = (dice: Dice, device: number, ...names: ActName[]): Step => ({
  kind: 'acts',
  acts: names.map((what) => actOf(dice, what, device)),
})

/** One turn of each of these devices, one after the other's calls. */
const turns = (dice: Dice, devices: number[], fault: () => Fault | null = () => null): Step & { kind: 'turns' } => ({
  kind: 'turns',
  turns: devices.map((device) => ({ device, fault: fault() })),
  parkOneIn: 0,
  paceMs: 3,
  seed: dice.seed(),
  meanwhile: [],
})

/**
 * What was thrown away is forgotten and pruned just as somebody brings it back, whose device believes that the vault has
 * its chunks. Maybe months pass, and what was forgotten is rescued.
 */
const prunedAndBack: StepsTheme = (steps, dice, { devices, people }) => {
  // Whoever acts alone ends with what they left.
  if (people === 1) return steps
  const device = dice.below(devices)
  const other = (device + 1) % devices
  const settle = (): Step => turns(dice, numbers(devices))
  const chore = (chore: ChoreName, turns: Turn[] = []): Step => {
    const seed = dice.seed()
    return { kind: 'chore', device, chore, seed, fault: null, turns, parkOneIn: turns.length > 0 ? 1 : 0 }
  }
  const story = [
    acts(dice, other, 'make many', 'create'),
    settle(),
    acts(dice, other, 'remove', 'remove', 'save'),
    settle(),
    acts(dice, other, 'save', 'create'),
    settle(),
    acts(dice, other, 'save', 'create'),
    settle(),
    chore('forget'),
    settle(),
    acts(dice, other, 'bring back', 'bring back'),
    { kind: 'trouble' as const, device, trouble: 'slow' as const, seed: 0 },
    chore(
      'prune',
      numbers(devices)
        .filter((number) => number !== device)
        .map((device) => ({ device, fault: null })),
    ),
    ...(dice.oneIn(2) ? [{ kind: 'sweep' as const }] : []),
    chore('rescue'),
  ]
  return steps.toSpliced(dice.below(steps.length + 1), 0, ...story)
}

/** Whatever people do last meets trouble in the first calls of the last turn. */
const lastMoment: Theme = (steps, dice, { devices, people }) => {
  const names: ActName[] = ['put inside', 'put inside', 'edit', 'create', 'make many', 'nest', 'box', 'save', 'remove']
  const busy = numbers(people).flatMap((device) => [
    acts(dice, device, dice.pick(names), dice.pick(names), dice.pick(names)),
  ])
  const at = (): number => 1 + dice.below(dice.pick([8, 24]))
  const last = turns(dice, numbers(devices), () =>
    dice.oneIn(2) ? { kind: 'busy', at: at() } : { kind: 'flaky', at: at(), oneIn: 4 + dice.below(20) },
  )
  const all = [...steps, turns(dice, numbers(devices)), ...busy, last]
  return { steps: all, ...(dice.oneIn(2) ? { roundChangesMax: 1 + dice.below(2) } : {}) }
}

/** Somebody moves folders about while somebody else works in them, whose next scan stops before it comes to these. */
const movedUnderneath: Theme = (steps, dice, { devices, people }) => {
  if (people === 1) return steps
  const mover = dice.below(people)
  const worker = (mover + 1) % people
  const story: Step[] = [
    turns(dice, numbers(devices)),
    acts(dice, mover, dice.pick(['lift', 'lift', 'nest', 'box']), dice.pick(['lift', 'nest'])),
    turns(dice, [mover]),
    acts(dice, worker, 'make a folder', 'create', 'put inside', 'put inside', 'put inside', 'put inside', 'edit'),
    { kind: 'event', device: worker, event: 'restart', seed: 0 },
    turns(dice, [worker]),
  ]
  return { steps: [...steps, ...story], roundChangesMax: 1 + dice.below(2) }
}

/** The same, while somebody works in these folders in the middle of the turn that moves them. */
const movedUnderHands: StepsTheme = (steps, dice, { devices, people }) => {
  if (people === 1) return steps
  const mover = dice.below(people)
  const worker = (mover + 1) % people
  const meanwhile = numbers(3).map(() => ({
    after: dice.below(30),
    act: actOf(dice, dice.pick(['put inside', 'put inside', 'edit', 'save']), worker),
  }))
  return [
    ...steps,
    turns(dice, numbers(devices)),
    acts(dice, mover, dice.pick(['nest', 'box', 'move']), dice.pick(['nest', 'lift'])),
    turns(dice, [mover]),
    { ...turns(dice, [worker]), parkOneIn: 1, meanwhile: meanwhile.sort((a, b) => a.after - b.after) },
  ]
}

/** One device cannot have some of the names that others make, and its person throws away the folders that hold them. */
const refusedInside: Theme = (steps, dice, { devices, people }) => {
  if (people === 1) return steps
  const refusing = dice.below(people)
  const other = (refusing + 1) % people
  const story = [
    acts(dice, other, 'make many', 'put inside', 'put inside', 'put inside', 'put inside'),
    turns(dice, numbers(devices)),
    turns(dice, numbers(devices)),
    acts(dice, refusing, 'remove', dice.pick(['remove', 'clear', 'move'])),
    turns(dice, [refusing]),
  ]
  return { steps: steps.toSpliced(dice.below(steps.length + 1), 0, ...story), refusing }
}

/** A disk goes away while a turn brings what others made. */
const hiddenMeanwhile: StepsTheme = (steps, dice, { devices, people }) => {
  if (people === 1) return steps
  const maker = dice.below(people)
  const device = (maker + 1) % devices
  const at = 4 + dice.below(dice.pick([12, 26]))
  const others: ActName[] = ['create', 'put inside', dice.pick(['save', 'make many', 'move'])]
  return [
    ...steps,
    turns(dice, numbers(devices)),
    acts(dice, maker, 'make a folder', 'make a folder', ...(dice.oneIn(3) ? others : [])),
    turns(dice, [maker]),
    turns(dice, [device], () => ({ kind: dice.oneIn(3) ? 'unplug' : 'hide', at })),
  ]
}

/** Names change hands where only what is new is sent. */
const boxedInNewOnly: Theme = (steps, dice, { devices, people }) => {
  if (people === 1) return steps
  const device = dice.below(people)
  let seed = dice.seed()
  while (diceOf(seed).pick(linkModes) !== 'new-only') seed += 1
  const story: Step[] = [
    turns(dice, numbers(devices)),
    { kind: 'event', device, event: 'change the mode', seed },
    acts(dice, device, 'box', 'put inside', 'box', 'put inside', 'put inside', 'rotate'),
    turns(dice, [device]),
  ]
  return { steps: steps.toSpliced(dice.below(steps.length + 1), 0, ...story), hasModes: true }
}

/**
 * A server goes back beside a device that has gone back as well, that has not done yet all that it had heard of, or that
 * has only heard of it and had not even what is in the copy.
 */
const backTogether: StepsTheme = (steps, dice, { devices, people }) => {
  if (people === 1) return steps
  const maker = dice.below(people)
  const device = (maker + 1) % devices
  const names: ActName[] = ['save', 'edit', 'create', 'move', 'remove', 'chmod', 'put inside', 'make a folder']
  const some = (): Step => acts(dice, maker, dice.pick(names), dice.pick(names), dice.pick(names))
  const lag = dice.pick(['database', 'undone', 'unheard', 'unheard'] as const)
  const fault: Record<typeof lag, Fault | null> = {
    database: null,
    undone: { kind: 'flaky', at: 2 + dice.below(12), oneIn: 1 + dice.below(3) },
    unheard: { kind: 'cut', at: 2 + dice.below(3), calls: 9 },
  }
  const event = (event: EventName): Step => ({ kind: 'event', device, event, seed: dice.seed() })
  const story: Step[] = [
    turns(dice, numbers(devices)),
    ...(lag === 'database' ? [event('keep a copy of the database'), some(), turns(dice, numbers(devices))] : []),
    ...(lag === 'unheard' ? [some(), turns(dice, [maker])] : []),
    { kind: 'keep a copy of the server' },
    some(),
    turns(dice, [maker]),
    turns(dice, [device], () => fault[lag]),
    { kind: 'put back the server', isAnnounced: dice.oneIn(2) },
    ...(lag === 'database' ? [event('put back the database')] : []),
    acts(dice, device, dice.pick(names)),
    turns(dice, [device]),
  ]
  return steps.toSpliced(dice.below(steps.length + 1), 0, ...story)
}

export const stories: Theme[] = [
  prunedAndBack,
  lastMoment,
  lastMoment,
  movedUnderneath,
  refusedInside,
  boxedInNewOnly,
  hiddenMeanwhile,
  hiddenMeanwhile,
  hiddenMeanwhile,
  movedUnderHands,
  backTogether,
]
