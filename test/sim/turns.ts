/**
 * Turns of the engine in a history: several at the same time, with faults, and people who act meanwhile. What each one
 * says of itself is judged when it has ended.
 */
import { SyncError } from '@anysync/protocol/errors.ts'
import { rootNodeId, type NodeId } from '@anysync/protocol/ids.ts'
import type { Action } from '@anysync/client/action.ts'
import type { BaseNode, DiskStat } from '@anysync/client/ports.ts'
import { facts } from '@anysync/client/sync/facts.ts'
import { linkNow } from '@anysync/client/sync/link-mode.ts'
import { sameBytes } from '@anysync/client/sync/node.ts'
import type { TurnReport } from '@anysync/client/sync/report.ts'
import type { Scope } from '@anysync/client/sync/scope.ts'
import { actionsMax } from '@anysync/protocol/limits.ts'
import { act } from './acts.ts'
import { diceOf } from './dice.ts'
import type { Fault, Step, Turn } from './history.ts'
import { demand } from './invariants.ts'
import { nodesOf, type Seen } from './oracle.ts'
import type { Task } from './scheduler.ts'
import type { Device, World } from './world.ts'

/** A turn that goes on by itself. */
export type TurnTask = Task & {
  device: Device
  turn: Turn
  report: TurnReport | null
  error: Error | null
  /** As it was when the turn began. */
  before: Before
  /** The same as `before.inodes` when a fault struck, or when the turn began. */
  inodesWhenStruck: ReadonlyMap<NodeId, bigint>
}

type Before = {
  contents: Seen
  isDiskGone: boolean
  files: number
  isConfirmed: boolean
  newestAction: Action | undefined
  /** The nodes that the base said were on this disk, and which file each was there. */
  inodes: ReadonlyMap<NodeId, bigint>
}

const isOfDisk = (fault: Fault | null): boolean => fault?.kind === 'unplug' || fault?.kind === 'hide'

/** Starts a turn. `isWhole`: it looks everywhere. */
export const startTurn = (world: World, device: Device, turn: Turn, isWhole: boolean): TurnTask => {
  const { process, disk, state, link, engine } = device
  const inodesHere = (): Map<NodeId, bigint> => new Map(rowsHere(device).map(({ id, disk }) => [id, disk.inode]))
  const before: Before = {
    contents: world.oracle.look(disk),
    isDiskGone: device.isDiskGone,
    files: state.totals(link.id).files,
    isConfirmed: engine.isConfirmed(),
    newestAction: state.actions(link.id, { limit: 1 })[0],
    inodes: inodesHere(),
  }
  const inodesWhenStruck = before.inodes
  const task: TurnTask = { isDone: false, device, turn, report: null, error: null, before, inodesWhenStruck }
  process.expect(turn.fault)
  process.onStrike = () => {
    task.inodesWhenStruck = inodesHere()
  }
  process.changes = 0
  process.drafts = 0
  const done = (): void => {
    task.isDone = true
  }
  process.onDeath = done
  // A turn looks where a watcher saw something, or everywhere.
  const scope: Scope = isWhole || device.mustLook ? 'all' : new Set(device.hints)
  device.hints.clear()
  device.mustLook = false
  engine.turn(scope).then(
    (report) => {
      if (process.isDead) return
      task.report = report
      if (device.sight.note(report, scope)) device.mustLook = true
      // What another mode keeps from the vault is settled too.
      if (linkNow(state, link).mode === 'sync') world.oracle.saw(device.name, disk, before.contents, report)
      done()
    },
    (error: unknown) => {
      if (process.isDead) return
      task.error = errorOf(error)
      done()
    },
  )
  return task
}

/** Plays turns at the same time, and what people do meanwhile. */
export const playTurns = async (world: World, step: Step & { kind: 'turns' }): Promise<void> => {
  world.say(step.turns.length > 1 ? 'turns at the same time:' : 'a turn:')
  const dice = diceOf(step.seed ^ 1)
  const tasks: TurnTask[] = []
  for (const turn of step.turns) {
    const device = world.devices[turn.device]
    if (device === undefined) continue
    world.say(`  ${device.name}${turn.fault === null ? '' : `, with ${JSON.stringify(turn.fault)}`}`)
    tasks.push(startTurn(world, device, turn, dice.oneIn(4)))
  }
  const meanwhile = [...step.meanwhile]
  let passed = 0
  await world.scheduler.run(tasks, step, () => {
    passed += 1
    // Mostly nothing, now and then a little, seldom so long that a push is cut in two.
    if (dice.oneIn(4)) world.clock.advance(dice.oneIn(30) ? 6000 : dice.below(step.paceMs))
    for (let next = meanwhile[0]; next !== undefined && next.after < passed; next = meanwhile[0]) {
      meanwhile.shift()
      world.say('  meanwhile:')
      // A file that is moved in the middle of a scan may be seen twice.
      world.hasTwins = true
      act(world, next.act)
    }
  })
  for (const task of tasks) {
    if (step.meanwhile.length === 0) checkReport(world, task, tasks.length === 1)
    endTurn(world, task, dice.seed())
    if (step.meanwhile.length === 0 && isOfDisk(task.turn.fault)) checkGhosts(task)
  }
  world.clock.advance(1)
}

/** After a turn: the dead start anew, what was taken out for the turn is put back, and what was thrown is judged. */
export const endTurn = (world: World, { device, turn, report, error, before }: TurnTask, seed: number): void => {
  const { process, troubles, name } = device
  const { fault } = turn
  const wasDiskGone = device.isDiskGone
  const isTroubled =
    process.hasStruck || wasDiskGone || troubles.isCutOff || troubles.isFull || troubles.closedFolder !== null
  if (process.isDead) {
    const dice = diceOf(seed)
    const isPowerCut = fault?.kind === 'crash' && fault.isPowerCut
    world.say(`  ${name} dies${isPowerCut ? ', for the power is cut' : ''}`)
    if (isPowerCut) device.disk.crash(() => dice.oneIn(2))
    device.start(device.state.snapshot())
  }
  process.expect(null)
  checkRows(device)
  // What a turn had begun and did not end looks like a person's work to the next one.
  if (report === null || !report.isSettled) world.hasFaltered = true
  if (isOfDisk(fault)) device.putDiskBack()
  const isHonest = report === null || !before.isDiskGone
  demand(isHonest, () => `${name}: a turn ended well though the disk was not there`)
  if (error === null) return
  if (!(error instanceof SyncError)) throw error
  world.say(`  ${name} says: ${error.message}`)
  world.trace.text(error.kind)
  const isAllowed = error.kind === 'unavailable' || error.kind === 'full' || error.kind === 'missing'
  if (!isTroubled || !isAllowed) throw error
  // What is taken out is seen before anything else is said of it.
  if (turn.fault === null && wasDiskGone && error.kind !== 'missing') throw error
}

/**
 * What a turn says of itself when nobody acted meanwhile: it deletes from the vault nothing that lies on the disk or
 * never did, asks before it removes much, and copies only what differs.
 */
const checkReport = (world: World, { device, report, before }: TurnTask, isAlone: boolean): void => {
  if (report === null) return
  const { name, disk, state, link } = device
  const nodes = new Map(nodesOf(disk))
  // What could not be read yet may have taken the name of what was deleted.
  for (const path of report.isSettled && report.pushed.removed > 0 ? removedThere(device, before) : []) {
    const inode = nodes.get(path)
    if (inode?.kind !== 'file' || before.contents.get(inode)?.path !== path) continue
    // So may another node.
    const isKnown = state.nodeByInode(link.id, disk.fileSystem.device, inode.number) !== null
    demand(isKnown, () => `${name}: '${path}' was deleted from the vault though it lies on the disk`)
  }
  const { removed } = report.pushed
  const isGone = ([id, inode]: [NodeId, bigint]): boolean => {
    const row = state.node(link.id, id)
    // What it deleted first, and others kept meanwhile, may have come again.
    return row === null || (!isAlone && row.disk?.inode !== inode)
  }
  const gone = [...before.inodes].filter(isGone).length
  demand(
    removed <= gone,
    () => `${name}: ${removed} nodes were deleted from the vault, and ${gone} are gone from the disk`,
  )
  // What comes in the same turn counts too.
  const files = Math.max(before.files, state.totals(link.id).files + removed)
  const isMany = removed >= 10 && removed > files / 2
  demand(!isMany || before.isConfirmed, () => `${name}: ${removed} of ${files} files were removed unasked`)
  if (world.hasTwins || world.hasModes || world.hasForgotten || report.conflicts.length === 0) return
  for (const path of report.conflicts) {
    // One that could not get its new name yet is still where it was.
    const copy = path.includes(' (conflict ') ? nodes.get(path) : undefined
    const original = nodes.get(path.replace(/ \(conflict [^)]*\)/, ''))
    const isSame = copy?.kind === 'file' && original?.kind === 'file' && sameBytes(original.bytes, copy.bytes)
    demand(!isSame, () => `${name}: '${path}' is a conflict copy of the same bytes`)
  }
}

/** After the disk was away for a while, the base must not say that it holds what was made in its absence. */
const checkGhosts = ({ device, inodesWhenStruck }: TurnTask): void => {
  const numbers = new Set(nodesOf(device.disk).map(([, { number }]) => number))
  const ghost = rowsHere(device).find(({ id, disk }) => !inodesWhenStruck.has(id) && !numbers.has(disk.inode))
  demand(ghost === undefined, () => `${device.name}: the base says of a node that it is on the disk, which was away`)
}

/** What the base says is on the disk. */
const rowsHere = ({ state, link }: Device): RowHere[] =>
  [...state.nodes(link.id)].filter((row): row is RowHere => row.disk !== null)

type RowHere = BaseNode & { disk: DiskStat }

/**
 * However a turn ended, each row of the base lies in a folder that the base has. Not yet while it goes back with a server
 * that went back: then a folder may be only at the head until the next turn over everything has made it.
 */
const checkRows = ({ name, state, link }: Device): void => {
  if (state.fact(link.id, facts.rules) === null) return
  for (const { name: node, parent } of state.nodes(link.id)) {
    const isHeld = parent === rootNodeId || state.node(link.id, parent) !== null
    demand(isHeld, () => `${name}: the base has '${node}' below a folder that it does not have`)
  }
}

/** What a turn deleted from the vault. */
const removedThere = ({ state, link }: Device, { newestAction }: Before): string[] => {
  const actions = state.actions(link.id, { limit: actionsMax })
  const end = newestAction === undefined ? -1 : actions.indexOf(newestAction)
  return actions
    .slice(0, end === -1 ? actions.length : end)
    .flatMap(({ what, path }) => (what === 'removed-there' ? [path] : []))
}

/** What was thrown, as an error. */
export const errorOf = (thrown: unknown): Error =>
  thrown instanceof Error ? thrown : new Error('something was thrown', { cause: thrown })
