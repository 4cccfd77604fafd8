/**
 * A household in memory for tests: one server, some devices with a linked folder each, the real engine between them.
 * A device can be restarted, as after a crash: its process is new, its disk and what its database committed are not.
 */
import { nodeCipher } from '@anysync/cli/ports/cipher.ts'
import type { AccessKeys } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { vaultIdFromBytes, type VaultId } from '@anysync/protocol/ids.ts'
import { seededChance } from '../memory/chance.ts'
import { steppedClock, type SteppedClock } from '../memory/clock.ts'
import type { DiskFault } from '../memory/disk-files.ts'
import { createMemoryDisk, type MemoryDisk } from '../memory/disk.ts'
import { readTree } from '../memory/read-tree.ts'
import { createMemoryServer, type MemoryServer, type ServerCopy } from '../memory/remote.ts'
import { createMemoryState, type MemoryState } from '../memory/state.ts'
import type { Chance, Cipher, Clock, Disk, Link, LinkMode, Remote, State } from '../ports.ts'
import { logIn, signUp } from '../vault/account.ts'
import { newVaultGrant, openGrant, type OpenedGrant } from '../vault/grant.ts'
import { openVault } from '../vault/vault.ts'
import type { Vault } from '../vault/vault-types.ts'
import { setLinkMode } from './link-mode.ts'
import { createEngine, type Engine, type EngineParts } from './engine.ts'
import { createRuleBook, type RuleSource } from './rule-book.ts'
import type { Rules } from './rules.ts'

export type Device = {
  name: string
  disk: MemoryDisk
  user: MemoryDisk['user']
  state: MemoryState
  vault: Vault
  engine: Engine
  /** What its person does not want to have synced. */
  rules: RuleSource
  /** Changes the mode of its link, as a person does while the engine runs. */
  setMode(mode: LinkMode): void
  /** A new process on the same disk and database. */
  restart(options?: EngineOptions): void
  /** Its database is gone; the folder is linked as before. */
  loseState(): void
  /** Faults of this device's disk, and around its database's commits. */
  faults: { disk: DiskFault | null; commit: ((moment: 'before' | 'after') => void) | null }
}

export type World = {
  clock: SteppedClock
  chance: Chance
  server: MemoryServer
  devices: Device[]
}

/** A server with one account, its devices, and an empty vault. */
export type Template = { copy: ServerCopy; keys: AccessKeys[]; vaultId: VaultId; timeNs: bigint }

const devicesMax = 4
let template: Promise<Template> | null = null

/** Accounts are slow to make, by design; every world starts from a copy of one. */
export const accountTemplate = (): Promise<Template> => (template ??= makeTemplate())

const makeTemplate = async (): Promise<Template> => {
  const clock = steppedClock()
  const chance = seededChance(0)
  const parts = { cipher: nodeCipher, chance, clock }
  const server = createMemoryServer(parts)
  const door = server.door()
  const who = { door, ...parts, email: 'ada@example.org', password: 'correct horse' }
  await signUp({ ...who, invitation: server.invite() })
  const keys: AccessKeys[] = []
  for (let number = 0; number < devicesMax; number++) {
    const device = {
      serverUrl: 'https://localhost',
      pinnedCertificate: new Uint8Array(),
      clientVersion: 'test',
      deviceName: `device${number}`,
    }
    keys.push((await logIn({ ...who, ...device })).accessKeys)
  }
  const vaultId = vaultIdFromBytes(chance.bytes(16))
  const [first] = keys
  if (first === undefined) throw new Error('no device')
  const { grant } = newVaultGrant(parts, ownerOf(first), vaultId, 'documents')
  await server.remote(first.deviceToken).createVault(vaultId, grant)
  return { copy: server.snapshot(), keys, vaultId, timeNs: clock.nowNs() }
}

export const noSettings: RuleSource = {
  settings: { include: [], exclude: [], sizeBytesMax: null, ageMsMin: null, ageMsMax: null },
  defaults: [],
}

const ownerOf = (keys: AccessKeys) => ({
  fileKey: keys.fileKey,
  identityPublicKey: keys.deviceCertificate?.identityPublicKey ?? new Uint8Array(),
})

/** What a device's process runs on. */
export type ProcessParts = {
  cipher: Cipher
  chance: Chance
  clock: Clock
  disk: Disk
  state: State
  remote: Remote
  accessKeys: AccessKeys
  grant: OpenedGrant
  link: Link
  rules: () => Promise<Rules>
} & EngineOptions

/** How much is taken up at once. */
export type EngineOptions = Pick<EngineParts, 'roundChangesMax' | 'sliceFilesMax'>

/** A device's process: a vault and an engine over its ports. */
export const openProcess = ({ disk, link, rules, grant, ...parts }: ProcessParts): { vault: Vault; engine: Engine } => {
  const vault = openVault({ ...parts, grants: [grant] })
  const { state, clock, chance, roundChangesMax, sliceFilesMax } = parts
  const deviceName = parts.accessKeys.deviceName
  return {
    vault,
    engine: createEngine({
      disk,
      state,
      clock,
      chance,
      vault,
      link,
      deviceName,
      rules,
      ...(roundChangesMax === undefined ? {} : { roundChangesMax }),
      ...(sliceFilesMax === undefined ? {} : { sliceFilesMax }),
    }),
  }
}

/** The grant of the account's vault, opened by a device. */
export const grantOf = async (
  parts: { cipher: Cipher; chance: Chance },
  accessKeys: AccessKeys,
  vaultId: VaultId,
  remote: Remote,
): Promise<OpenedGrant> => {
  const [info] = (await remote.listVaults()).vaults
  if (info === undefined) throw new Error('no vault')
  return openGrant(parts, ownerOf(accessKeys), vaultId, info.grant)
}

/** By device: names that its disk cannot store. `folding`: the devices whose disks take Readme and README for one. */
export const createWorld = async (
  seed: number,
  deviceCount = 2,
  refused: Record<string, string[]> = {},
  folding: string[] = [],
): Promise<World> => {
  const { copy, keys, vaultId, timeNs } = await accountTemplate()
  const clock = steppedClock(timeNs)
  const chance = seededChance(seed + 1)
  const server = createMemoryServer({ cipher: nodeCipher, chance, clock })
  server.restore(copy, { isAnnounced: false })
  const devices: Device[] = []
  for (const accessKeys of keys.slice(0, deviceCount))
    devices.push(
      await createDevice({ clock, chance, server }, accessKeys, vaultId, {
        refused: refused[accessKeys.deviceName] ?? [],
        foldsNames: folding.includes(accessKeys.deviceName),
      }),
    )
  return { clock, chance, server, devices }
}

const createDevice = async (
  { clock, chance, server }: Omit<World, 'devices'>,
  accessKeys: AccessKeys,
  vaultId: VaultId,
  { refused, foldsNames }: { refused: string[]; foldsNames: boolean },
): Promise<Device> => {
  const name = accessKeys.deviceName
  const faults: Device['faults'] = { disk: null, commit: null }
  const onCommit = (moment: 'before' | 'after') => faults.commit?.(moment)
  const disk = createMemoryDisk({
    clock,
    foldsNames,
    fault: (call) => faults.disk?.(call),
    refuseName: (name) => (refused.includes(name) ? 'this system cannot store the name' : null),
  })
  const link: Link = { id: `link of ${name}`, vaultId, root: `/${name}`, mode: 'sync' }
  const remote = server.remote(accessKeys.deviceToken)
  const parts = { cipher: nodeCipher, chance, clock }
  const grant = await grantOf(parts, accessKeys, vaultId, remote)
  const rules = createRuleBook(disk, () => device.rules)
  const open = (state: MemoryState, options: EngineOptions = {}): Pick<Device, 'state' | 'vault' | 'engine'> => ({
    state,
    ...openProcess({ ...parts, disk, state, remote, accessKeys, grant, link, rules, ...options }),
  })
  const newState = (): MemoryState => {
    const state = createMemoryState({ onCommit })
    state.putLink(link)
    return state
  }
  await disk.writeMarker(link.id)
  const device: Device = {
    name,
    disk,
    user: disk.user,
    ...open(newState()),
    faults,
    rules: noSettings,
    setMode(mode) {
      setLinkMode(device.state, link, mode)
    },
    restart(options) {
      Object.assign(device, open(createMemoryState({ restore: device.state.snapshot(), onCommit }), options))
    },
    loseState() {
      Object.assign(device, open(newState()))
    },
  }
  return device
}

/** What a disk shows, in lines that a test can compare and a person can read. */
export const linesOf = async (disk: MemoryDisk): Promise<string[]> =>
  [...(await readTree(disk))].map(([path, { kind, mode, mtimeNs, content }]) => {
    const text = content instanceof Uint8Array ? new TextDecoder().decode(content) : (content ?? '')
    return `${path} ${kind} ${mode.toString(8)} ${mtimeNs} ${text}`
  })

/** Paths with contents only. */
export const filesOf = async (disk: MemoryDisk): Promise<Record<string, string>> =>
  Object.fromEntries(
    [...(await readTree(disk))].flatMap(([path, { content }]) =>
      content instanceof Uint8Array ? [[path, new TextDecoder().decode(content)]] : [],
    ),
  )

/** Turns on every device in order, until a round changes nothing. */
export const settle = async (world: World, roundsMax = 10): Promise<void> => {
  for (let round = 0; round < roundsMax; round++) {
    let isQuiet = true
    for (const device of world.devices) {
      const { pulled, pushed, isSettled, snapshots } = await device.engine.turn()
      const moved = [pulled, pushed].some((counts) => Object.values(counts).some((count) => count > 0))
      if (moved || snapshots > 0 || !isSettled) isQuiet = false
    }
    if (isQuiet) return
  }
  throw new Error(`not settled after ${roundsMax} rounds`)
}
