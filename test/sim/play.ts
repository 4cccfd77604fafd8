/**
 * Plays a history and checks what must hold. The same history gives the same trace.
 */
import { SyncError } from '@anysync/protocol/errors.ts'
import { setLinkMode } from '@anysync/client/sync/link-mode.ts'
import { holdMsDefault } from '@anysync/protocol/limits.ts'
import { linkModes } from '@anysync/client/ports.ts'
import { act } from './acts.ts'
import { playChore } from './chores.ts'
import { diceOf } from './dice.ts'
import { watched } from './hints.ts'
import type { EventName, History, Step, TroubleName } from './history.ts'
import { Broken, checkAll, demand } from './invariants.ts'
import { keyOf, nodesOf } from './oracle.ts'
import { endTurn, errorOf, playTurns, startTurn } from './turns.ts'
import { createWorld } from './start.ts'
import type { Device, World } from './world.ts'

/** How a history ended. `failure`: what did not hold, in a sentence; null when all did. */
export type Outcome = { hash: number; failure: string | null; stack: string }

/** So many rounds of turns must bring all devices to rest. */
const restRoundsMax = 40

export const play = async (history: History, say: (line: string) => void = () => undefined): Promise<Outcome> => {
  const world = await createWorld(history, say)
  let failure: Error | null = null
  try {
    for (const step of history.steps) await playStep(world, step)
    await heal(world)
  } catch (error) {
    failure = errorOf(error)
  }
  const { hash } = world.trace
  if (failure === null) return { hash, failure: null, stack: '' }
  const isKnown = failure instanceof Broken || failure instanceof SyncError
  return { hash, failure: isKnown ? failure.message : `bug: ${failure.message}`, stack: failure.stack ?? '' }
}

const playStep = async (world: World, step: Step): Promise<void> => {
  switch (step.kind) {
    case 'acts':
      world.say('people act:')
      for (const each of step.acts) act(world, each)
      world.clock.advance(1)
      break
    case 'turns':
      await playTurns(world, step)
      break
    case 'chore':
      await playChore(world, step)
      break
    case 'trouble': {
      const device = world.devices[step.device]
      if (device !== undefined) begin(world, device, step.trouble, step.seed)
      break
    }
    case 'event': {
      const device = world.devices[step.device]
      if (device !== undefined) happen(world, device, step.event, step.seed)
      break
    }
    case 'time':
      world.say(`${step.ms} ms pass`)
      world.clock.advance(step.ms)
      break
    case 'heal':
      await heal(world)
      break
    case 'sweep':
      world.say('a month passes, and the server sweeps')
      world.clock.advance(holdMsDefault + 1)
      world.server.sweep(BigInt(holdMsDefault) * 1_000_000n)
      break
    case 'keep a copy of the server':
      world.say('the server is copied')
      world.serverCopy = { server: world.server.snapshot(), wanted: new Map(world.oracle.wanted) }
      break
    case 'put back the server':
      if (world.serverCopy === null) break
      world.say(`the server is put back to its copy, ${step.isAnnounced ? 'announced' : 'unannounced'}`)
      world.server.restore(world.serverCopy.server, { isAnnounced: step.isAnnounced })
      world.oracle.goBack(
        world.serverCopy.wanted,
        world.devices.map((device) => device.hiddenRoot()),
      )
      // What was deleted since comes back, and what was made since is made once more.
      world.hasFaltered = true
      world.hasForgotten = true
      world.hasTwins = true
      break
  }
}

const begin = (world: World, device: Device, trouble: TroubleName, seed: number): void => {
  world.say(`from now on ${device.name} is ${trouble}`)
  switch (trouble) {
    case 'cut off':
      device.troubles.isCutOff = true
      break
    case 'full':
      device.troubles.isFull = true
      break
    case 'closed folder': {
      const folders = nodesOf(device.disk).filter(([, { kind }]) => kind === 'folder')
      if (folders.length === 0) break
      const [path] = diceOf(seed).pick(folders)
      world.say(`  it is '${path}'`)
      device.troubles.closedFolder = path
      break
    }
    case 'unplugged':
      device.takeDisk('unplug')
      break
    case 'hidden':
      device.takeDisk('hide')
      break
    case 'slow':
      device.process.isSlow = true
      break
  }
}

const lift = (device: Device): void => {
  device.troubles.isCutOff = false
  device.troubles.isFull = false
  device.troubles.closedFolder = null
  device.process.isSlow = false
  device.putDiskBack()
}

const hourNs = 3_600_000_000_000n

const happen = (world: World, device: Device, event: EventName, seed: number): void => {
  world.say(`${device.name}: ${event}`)
  switch (event) {
    case 'restart':
      device.start(device.state.snapshot())
      break
    case 'lose the database':
      world.hasForgotten = true
      device.start(null)
      break
    case 'keep a copy of the database':
      device.stateCopy = device.state.snapshot()
      break
    case 'put back the database':
      if (device.stateCopy === null) break
      world.hasForgotten = true
      device.start(device.stateCopy)
      break
    case 'set the clock': {
      const dice = diceOf(seed)
      device.setClock(BigInt(dice.below(7) - 3) * dice.pick([1n, 5n]) * hourNs + BigInt(dice.below(1_000_000)))
      break
    }
    case 'confirm':
      device.engine.confirm()
      break
    case 'change the mode': {
      const mode = diceOf(seed).pick(linkModes)
      world.say(`  it is ${mode} now`)
      setLinkMode(device.state, device.link, mode)
      break
    }
    case 'lift':
      lift(device)
      break
  }
}

/** What the person who acts alone has on the disk, in lines to compare. */
const treeOf = ({ disk }: Device): string =>
  nodesOf(disk)
    .map(([path, { kind, mode, mtimeNs, bytes, target }]) => {
      const rest = kind === 'folder' ? '' : `${mtimeNs} ${kind === 'file' ? keyOf(bytes) : target}`
      return `${path} ${kind} ${kind === 'symlink' ? '' : mode.toString(8)} ${rest}`
    })
    .sort()
    .join('\n')

/**
 * All faults are lifted, and the devices take turns until nothing is left to do, first only where hints tell them to.
 * Then everything must hold.
 */
const heal = async (world: World): Promise<void> => {
  world.say('all is healed:')
  for (const device of world.devices) {
    lift(device)
    setLinkMode(device.state, device.link, 'sync')
    // A socket under a name that the vault has would wait for ever.
    const person = watched(device.disk, device.hints)
    for (const [path, { kind }] of nodesOf(device.disk)) if (kind === 'other') person.rm(path)
  }
  const [first] = world.devices
  const left = world.isOnePerson && !world.hasFaltered && first !== undefined ? treeOf(first) : null
  world.clock.advance(60_000)
  await comeToRest(world, takeRound)
  await comeToRest(world, lookEverywhere)
  await checkAll(world)
  if (left !== null && first !== undefined)
    demand(treeOf(first) === left, () => `one person acted, and now it is otherwise:\n${left}\n--\n${treeOf(first)}`)
}

type RoundEnd = { isQuiet: boolean; hasNews: boolean }

const comeToRest = async (world: World, round: (world: World) => Promise<RoundEnd>): Promise<void> => {
  for (let rounds = 0; !(await round(world)).isQuiet; rounds++)
    if (rounds === restRoundsMax) throw new Broken(`the devices do not come to rest in ${restRoundsMax} rounds`)
}

/**
 * Devices that are at rest look at everything, and find nothing new. Deletions they may find: of what a turn that failed
 * had moved to a folder that the base did not know yet, and a person removed there.
 */
const lookEverywhere = async (world: World): Promise<RoundEnd> => {
  const end = await takeRound(world, true)
  // A watcher tells of one name of a file and not of the others.
  const isHonest = !end.hasNews || world.oracle.hasHardLinks
  demand(isHonest, () => 'a look at everything finds what no turn had left to be done')
  return end
}

/** One turn on each device. Quiet: there was nothing to do for any. News: what one had to send or to write. */
const takeRound = async (world: World, isWhole = false): Promise<RoundEnd> => {
  const end = { isQuiet: true, hasNews: false }
  for (const device of world.devices) {
    const task = startTurn(world, device, { device: device.number, fault: null }, isWhole)
    await world.scheduler.run([task], { seed: 0, parkOneIn: 0 }, () => undefined)
    endTurn(world, task, 0)
    const { report } = task
    if (report === null) throw new Broken(`${device.name}: a turn without a fault did not end`)
    // Whoever deleted much is asked, and says yes.
    if (report.waiting !== null) device.engine.confirm()
    // What has got a name that this disk refuses stays where it is and keeps waiting what wants its place.
    const isExcused = report.troubles.some(({ kind }) => kind === 'not-here')
    const isDone = isExcused || (report.isSettled && device.process.drafts === 0)
    if (device.process.changes > 0 || report.waiting !== null || !isDone || device.mustLook) end.isQuiet = false
    for (const { files, folders, symlinks } of [report.pushed, report.pulled])
      if (files + folders + symlinks > 0) end.hasNews = true
  }
  return end
}
