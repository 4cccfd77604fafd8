/**
 * A history: all that people, devices, disks, lines and clocks do, as a list of steps that a seed makes. Each step has
 * dice of its own, so that a step means the same when others are left out: that is how a failing history shrinks.
 */
import { diceOf, type Dice } from './dice.ts'
import { numbers } from './theme.ts'
import { withTheme } from './themes.ts'

/**
 * What a person does at a device. `where` picks what it is done to, `how` the rest. `isNear`: it is done to what a turn is
 * busy with at that moment.
 */
export type Act = { device: number; what: ActName; where: number; how: number; isNear: boolean }

export const actNames = [
  'create',
  'edit',
  'append',
  'save',
  'move',
  'remove',
  'make a folder',
  'make alike',
  'respell',
  'link',
  'chmod',
  'touch',
  'retype',
  'swap',
  'chain',
  'box',
  'make many',
  'copy',
  'make a socket',
  'hard link',
  'clear',
  'rewrite unseen',
  'put inside',
  'nest',
  'bring back',
  'rotate',
  'lift',
] as const
export type ActName = (typeof actNames)[number]

/** What goes wrong in one turn, at the so-manieth call that it can happen to. */
export type Fault =
  /** The process dies before it changes the disk, around a commit of its database, or after the server has heard it. */
  | { kind: 'crash'; at: number; isPowerCut: boolean }
  /** One call of the disk fails. */
  | { kind: 'busy'; at: number }
  /** From then on one call of the disk in so many fails. */
  | { kind: 'flaky'; at: number; oneIn: number }
  /** From then on nothing more can be written. */
  | { kind: 'full'; at: number }
  /** From then on the server cannot be reached, for so many calls. */
  | { kind: 'cut'; at: number; calls: number }
  /** The server does it, and the reply is lost. */
  | { kind: 'lost'; at: number }
  /** The line sends it twice. */
  | { kind: 'repeat'; at: number }
  /** The disk is taken out, or an empty folder hides it, until the turn has ended. */
  | { kind: 'unplug' | 'hide'; at: number }

export type Turn = { device: number; fault: Fault | null }

/** What goes wrong until it is lifted. */
export type TroubleName = 'cut off' | 'full' | 'closed folder' | 'unplugged' | 'hidden' | 'slow'

/** What happens to a device at once. */
export type EventName =
  | 'restart'
  | 'lose the database'
  | 'keep a copy of the database'
  | 'put back the database'
  | 'set the clock'
  | 'confirm'
  | 'change the mode'
  | 'lift'

/** What is done with the past of a vault. */
export const choreNames = ['forget', 'prune', 'rescue', 'undelete'] as const
export type ChoreName = (typeof choreNames)[number]

export type Step =
  | { kind: 'acts'; acts: Act[] }
  /**
   * Turns at the same time. Of the calls, one in `parkOneIn` lets others go first (0: none); people act in between. Now
   * and then up to `paceMs` pass between two calls.
   */
  | {
      kind: 'turns'
      turns: Turn[]
      parkOneIn: number
      paceMs: number
      seed: number
      meanwhile: { after: number; act: Act }[]
    }
  | { kind: 'trouble'; device: number; trouble: TroubleName; seed: number }
  | { kind: 'event'; device: number; event: EventName; seed: number }
  | { kind: 'time'; ms: number }
  /** A chore, while other devices take turns. */
  | {
      kind: 'chore'
      device: number
      chore: ChoreName
      seed: number
      fault: Fault | null
      turns: Turn[]
      parkOneIn: number
    }
  | { kind: 'heal' }
  /** So long passes that the server frees what was retired. */
  | { kind: 'sweep' }
  | { kind: 'keep a copy of the server' }
  | { kind: 'put back the server'; isAnnounced: boolean }

export type History = {
  seed: number
  devices: number
  /** Whether only the person at the first device acts: then all ends just as that person left it. */
  isOnePerson: boolean
  /** Whether people change the modes of their links. */
  hasModes: boolean
  /** Which tree all devices have settled on before. */
  tree: number
  /** A device whose disk refuses some names. */
  refusing: number | null
  /** A device whose disk folds names. */
  folding: number | null
  /** After how many changes scans stop, to go on when those are carried out, and how many files are pulled at once; null: all. */
  roundChangesMax: number | null
  steps: Step[]
}

export const treesMax = 4

/** The history of a seed. Most are short: many short ones find more than few long ones. */
export const historyOf = (seed: number): History => {
  const dice = diceOf(seed)
  const devices = dice.pick([2, 2, 2, 2, 2, 3, 3, 4])
  const isOnePerson = dice.oneIn(6)
  const hasModes = !isOnePerson && dice.oneIn(8)
  const steps: Step[] = []
  const count = 3 + dice.below(dice.pick([5, 8, 16]))
  while (steps.length < count) {
    const step = stepOf(dice, devices, isOnePerson ? 1 : devices)
    const isMode = hasModes && dice.oneIn(6)
    steps.push(
      isMode ? { kind: 'event', device: dice.below(devices), event: 'change the mode', seed: dice.seed() } : step,
    )
  }
  const tree = dice.below(treesMax)
  const refusing = dice.oneIn(10) ? dice.below(devices) : null
  const folding = dice.oneIn(10) ? dice.below(devices) : null
  const plain = { steps, hasModes, refusing, roundChangesMax: dice.oneIn(4) ? 1 + dice.below(8) : null }
  const themed = withTheme(plain, seed, { devices, people: isOnePerson ? 1 : devices })
  const all = isOnePerson ? themed.steps : withChores(themed.steps, diceOf(seed ^ 0x5eed), devices)
  return { ...themed, seed, devices, isOnePerson, tree, folding, steps: all }
}

/**
 * In five histories of eight where more than one person acts, which is half of all. With dice of its own, so that the
 * other steps of a seed stay what they are.
 */
const withChores = (steps: Step[], dice: Dice, devices: number): Step[] => {
  if (dice.below(8) >= 5) return steps
  const all = [...steps]
  for (let count = 2 + dice.below(6); count > 0; count--)
    all.splice(dice.below(all.length + 1), 0, choreOf(dice, devices))
  return all
}

const choreOf = (dice: Dice, devices: number): Step => {
  const device = dice.below(devices)
  const others = numbers(devices).filter((number) => number !== device)
  const isCrowded = dice.oneIn(2)
  return {
    kind: 'chore',
    device,
    chore: dice.pick(['forget', 'forget', 'prune', 'prune', 'prune', 'rescue', 'undelete']),
    seed: dice.seed(),
    fault: dice.oneIn(3) ? faultOf(dice) : null,
    turns: isCrowded ? others.map((device) => ({ device, fault: null })) : [],
    parkOneIn: isCrowded ? dice.pick([1, 2, 4]) : 0,
  }
}

/** `people`: at so many of the devices, the first ones, people act. */
const stepOf = (dice: Dice, devices: number, people: number): Step => {
  const chosen = dice.below(100)
  if (chosen < 42)
    return { kind: 'acts', acts: people > 1 && dice.oneIn(2) ? actsAtOdds(dice, people) : someActs(dice, people) }
  if (chosen < 82) return turnsOf(dice, devices, people)
  const device = dice.below(devices)
  if (chosen < 88) return { kind: 'trouble', device, trouble: dice.pick(troubles), seed: dice.seed() }
  if (chosen < 94) {
    const event = dice.pick(events)
    // Who forgets what was agreed on takes an older deletion or edit for news.
    const isForgetting = event === 'lose the database' || event === 'put back the database'
    return { kind: 'event', device, event: people === 1 && isForgetting ? 'restart' : event, seed: dice.seed() }
  }
  if (chosen < 97) return { kind: 'time', ms: dice.pick([1, 30, 2000, 3_600_000]) + dice.below(1000) }
  if (chosen === 97) return { kind: 'heal' }
  return dice.oneIn(2)
    ? { kind: 'keep a copy of the server' }
    : { kind: 'put back the server', isAnnounced: dice.oneIn(2) }
}

const troubles: TroubleName[] = ['cut off', 'full', 'closed folder', 'unplugged', 'hidden', 'slow']
const events: EventName[] = [
  'restart',
  'lose the database',
  'keep a copy of the database',
  'put back the database',
  'put back the database',
  'set the clock',
  'set the clock',
  'confirm',
  'lift',
  'lift',
]

/** What people do most comes up most. */
const usual: ActName[] = ['create', 'edit', 'save', 'move', 'remove', 'make a folder']

const actOf = (dice: Dice, device: number): Act => ({
  device,
  what: dice.oneIn(3) ? dice.pick(usual) : dice.pick(actNames),
  where: dice.seed(),
  how: dice.seed(),
  isNear: false,
})

const someActs = (dice: Dice, devices: number): Act[] =>
  Array.from({ length: 1 + dice.below(3) }, () => actOf(dice, dice.below(devices)))

/** Two people, or all, do something to the same thing: what a policy is for. */
const actsAtOdds = (dice: Dice, devices: number): Act[] => {
  const where = dice.seed()
  const one = dice.below(devices)
  const other = (one + 1 + dice.below(devices - 1)) % devices
  const acts = [one, other].map((device) => ({ ...actOf(dice, device), where }))
  // The same thing on both sides, now and then to the letter.
  const [first, second] = acts
  if (first && second && dice.oneIn(3)) second.what = first.what
  // Names that nobody has yet, and folders that go into each other, seldom meet by chance.
  if (first && second && dice.oneIn(4)) first.what = second.what = dice.pick(['make alike', 'make alike', 'nest'])
  if (first && second && dice.oneIn(6)) second.how = first.how
  return acts
}

const turnsOf = (dice: Dice, devices: number, people: number): Step => {
  const all = numbers(devices)
  const first = dice.below(devices)
  const other = (first + 1 + dice.below(devices - 1)) % devices
  const taking = dice.pick([[first], [first], [first, other], [first, other], all])
  const isCrowded = taking.length > 1
  const meanwhile = dice.oneIn(3)
    ? Array.from({ length: 1 + dice.below(3) }, () => ({
        after: dice.below(dice.pick([10, 40])),
        act: {
          ...actOf(dice, (dice.below(3) > 0 ? dice.pick(taking) : dice.below(devices)) % people),
          isNear: dice.oneIn(2),
        },
      }))
    : []
  return {
    kind: 'turns',
    turns: taking.map((device) => ({ device, fault: dice.oneIn(3) ? faultOf(dice) : null })),
    parkOneIn: meanwhile.length > 0 ? dice.pick([1, 1, 2]) : isCrowded ? dice.pick([1, 2, 4, 8]) : dice.pick([0, 0, 2]),
    paceMs: 3,
    seed: dice.seed(),
    meanwhile: meanwhile.sort((a, b) => a.after - b.after),
  }
}

const faultOf = (dice: Dice): Fault => {
  const at = 1 + dice.below(dice.pick([4, 12, 40]))
  const chosen = dice.below(20)
  if (chosen < 9) return { kind: 'crash', at, isPowerCut: dice.oneIn(2) }
  if (chosen < 11) return { kind: 'busy', at }
  if (chosen < 12) return { kind: 'full', at: 1 + dice.below(4) }
  if (chosen < 14) return { kind: 'cut', at: 1 + dice.below(12), calls: 1 + dice.below(3) }
  if (chosen < 16) return { kind: 'lost', at: 1 + dice.below(8) }
  if (chosen < 18) return { kind: 'repeat', at: 1 + dice.below(8) }
  return { kind: dice.oneIn(2) ? 'unplug' : 'hide', at }
}
