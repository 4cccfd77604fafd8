/**
 * The household that a history is played in: one server, devices with a disk, a database, a clock and a process each.
 * Worlds begin as copies of a few that were made once, with a tree that all devices have settled on.
 */
import { nodeCipher } from '@anysync/cli/ports/cipher.ts'
import { seededChance } from '@anysync/client/memory/chance.ts'
import { steppedClock, type SteppedClock } from '@anysync/client/memory/clock.ts'
import type { Inode } from '@anysync/client/memory/disk-inodes.ts'
import { createMemoryDisk, type MemoryDisk } from '@anysync/client/memory/disk.ts'
import { createMemoryServer, type MemoryServer, type ServerCopy } from '@anysync/client/memory/remote.ts'
import { createMemoryState, type MemoryState, type MemoryStateSnapshot } from '@anysync/client/memory/state.ts'
import type { Chance, Clock, Link, Remote } from '@anysync/client/ports.ts'
import type { Engine } from '@anysync/client/sync/engine.ts'
import { createRuleBook } from '@anysync/client/sync/rule-book.ts'
import { Sight } from '@anysync/client/sync/sight.ts'
import {
  accountTemplate,
  grantOf,
  noSettings,
  openProcess,
  type EngineOptions,
} from '@anysync/client/sync/world.suite.ts'
import type { OpenedGrant } from '@anysync/client/vault/grant.ts'
import type { Vault } from '@anysync/client/vault/vault-types.ts'
import type { AccessKeys } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import type { VaultId } from '@anysync/protocol/ids.ts'
import { rememberingCipher } from './cipher.ts'
import { Trace } from './dice.ts'
import type { History } from './history.ts'
import { keyOf, nodesOf, Oracle } from './oracle.ts'
import { diskOf, remoteOf } from './ports.ts'
import { Process, type Troubles } from './process.ts'
import { Scheduler } from './scheduler.ts'
import { refusedCharacter } from './words.ts'

export const cipher = rememberingCipher(nodeCipher)

export type Device = {
  name: string
  number: number
  disk: MemoryDisk
  link: Link
  clock: Clock
  /** How far its clock is ahead. */
  setClock(aheadNs: bigint): void
  state: MemoryState
  /** An older copy of its database. */
  stateCopy: MemoryStateSnapshot | null
  vault: Vault
  engine: Engine
  /** The server, as the process reaches it. */
  remote: Remote
  process: Process
  troubles: Troubles
  /** Whether the disk is taken out or hidden. */
  isDiskGone: boolean
  /** Folders in which its person did something since a turn was last told. */
  hints: Set<string>
  /** Whether turns could see all that they looked at, since the process began. */
  sight: Sight
  /** Whether everything is to be looked at, whatever the hints say. */
  mustLook: boolean
  takeDisk(how: 'unplug' | 'hide'): void
  putDiskBack(): void
  /** A new process, on the same database or another. */
  start(from: MemoryStateSnapshot | null): void
  isRefused(name: string): boolean
  /** What lies on the disk, though it may be taken out or hidden. */
  hiddenRoot(): Inode | null
}

export type World = {
  clock: SteppedClock
  chance: Chance
  server: MemoryServer
  /** An older copy of the server, and what the vault had to have then. */
  serverCopy: { server: ServerCopy; wanted: Map<string, string> } | null
  scheduler: Scheduler
  trace: Trace
  oracle: Oracle
  devices: Device[]
  accessKeys: AccessKeys
  grant: OpenedGrant
  vaultId: VaultId
  isOnePerson: boolean
  hasModes: boolean
  /** Whether a turn did not end, or not well. */
  hasFaltered: boolean
  /** Whether a device or the server has gone back to an older memory: it takes what was thrown away since for new. */
  hasForgotten: boolean
  /** Whether two files may hold the same bytes. */
  hasTwins: boolean
  /** Whether snapshots were forgotten: then what somebody threw away may be nowhere. */
  hasLetGo: boolean
  /** Whether what came back from an earlier snapshot may have taken the place of something. */
  hasReplaced: boolean
  /** Counts contents, so that each is new. */
  word(): string
  /** Tells what happens to whoever wants to read it. */
  say(line: string): void
}

/** What a world begins from. */
export type Start = {
  server: ServerCopy
  timeNs: bigint
  disks: MemoryDisk[]
  states: MemoryStateSnapshot[]
}

/** A world as it begins, with all its devices. */
export const makeWorld = async (history: History, start: Start, say: (line: string) => void): Promise<World> => {
  const { keys, vaultId } = await accountTemplate()
  const clock = steppedClock(start.timeNs)
  const chance = seededChance(history.seed + 1)
  const server = createMemoryServer({ cipher, chance, clock })
  server.restore(start.server, { isAnnounced: false })
  const [accessKeys] = keys
  if (accessKeys === undefined) throw new Error('the account has no device')
  const parts = { cipher, chance }
  const grant = await grantOf(parts, accessKeys, vaultId, server.remote(accessKeys.deviceToken))
  let words = 0
  const world: World = {
    clock,
    chance,
    server,
    serverCopy: null,
    scheduler: new Scheduler(),
    trace: new Trace(),
    oracle: new Oracle(),
    devices: [],
    accessKeys,
    grant,
    vaultId,
    isOnePerson: history.isOnePerson,
    hasModes: history.hasModes,
    hasFaltered: false,
    hasLetGo: false,
    hasReplaced: false,
    hasTwins: false,
    hasForgotten: false,
    word: () => String((words += 1)).padStart(3, '0'),
    say,
  }
  for (let number = 0; number < history.devices; number++)
    world.devices.push(await createDevice(world, history, keys[number] ?? accessKeys, number, start))
  const [first] = world.devices
  if (first !== undefined)
    for (const [, inode] of nodesOf(first.disk)) if (inode.kind === 'file') world.oracle.save(keyOf(inode.bytes))
  return world
}

/** Where scans stop early, a pull takes many rounds too, and few files get their names together while the next are written. */
const sizesOf = ({ roundChangesMax }: History): EngineOptions =>
  roundChangesMax === null ? {} : { roundChangesMax, sliceFilesMax: roundChangesMax }

const createDevice = async (
  world: World,
  history: History,
  accessKeys: AccessKeys,
  number: number,
  start: Start,
): Promise<Device> => {
  const { server, chance, trace, scheduler, oracle, vaultId, grant } = world
  const name = accessKeys.deviceName
  let aheadNs = 0n
  const clock: Clock = { ...world.clock, nowNs: () => world.clock.nowNs() + aheadNs }
  const isRefused = (name: string): boolean => history.refusing === number && name.includes(refusedCharacter)
  const from = start.disks[number]
  const disk = createMemoryDisk({
    clock,
    foldsNames: history.folding === number,
    refuseName: (name) => (isRefused(name) ? 'this system cannot store the name' : null),
    ...(from === undefined ? {} : { from }),
  })
  const link: Link = { id: `link of ${name}`, vaultId, root: `/${name}`, mode: 'sync' }
  if (from === undefined) await disk.writeMarker(link.id)
  const remote = server.remote(accessKeys.deviceToken)
  const troubles: Troubles = { isCutOff: false, isFull: false, closedFolder: null }

  let root: Inode | null = null
  const takeDisk = (how: 'unplug' | 'hide'): void => {
    if (device.isDiskGone) return
    device.isDiskGone = true
    root = disk.fileSystem.root
    if (how === 'unplug') disk.user.unplug()
    else disk.user.hideUnderEmptyFolder()
  }
  const startProcess = (from: MemoryStateSnapshot | null) => {
    const process = new Process({ scheduler, trace, troubles, takeDisk })
    const state = createMemoryState({
      ...(from === null ? {} : { restore: from }),
      onCommit: (moment) => process.atCommit(moment),
    })
    if (from === null) state.putLink(link)
    const ported = diskOf(process, disk, trace, (inode) => oracle.take(name, inode))
    const reached = remoteOf(process, remote, trace)
    return {
      remote: reached,
      process,
      state,
      ...openProcess({
        cipher,
        chance,
        clock,
        disk: ported,
        state,
        remote: reached,
        accessKeys,
        grant,
        link,
        rules: createRuleBook(ported, () => noSettings),
        ...sizesOf(history),
      }),
    }
  }
  const device: Device = {
    name,
    number,
    disk,
    link,
    clock,
    setClock: (ns) => (aheadNs = ns),
    ...startProcess(start.states[number] ?? null),
    stateCopy: null,
    troubles,
    isDiskGone: false,
    hints: new Set(),
    sight: new Sight(),
    mustLook: false,
    takeDisk,
    putDiskBack() {
      if (!device.isDiskGone) return
      device.isDiskGone = false
      disk.user.plug()
    },
    start(from) {
      const { isSlow } = device.process
      device.process.isDead = true
      Object.assign(device, startProcess(from), { sight: new Sight() })
      device.process.isSlow = isSlow
    },
    isRefused,
    hiddenRoot: () => (device.isDiskGone ? root : disk.fileSystem.root),
  }
  return device
}
