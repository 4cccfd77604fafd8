/**
 * A vault with devices in memory for tests: one server, one account, as many states as a test likes.
 */
import type { AccessKeys, Content } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { rootNodeId, vaultIdFromBytes, type NodeId, type VaultId } from '@anysync/protocol/ids.ts'
import { seededChance } from '../memory/chance.ts'
import { steppedClock, type SteppedClock } from '../memory/clock.ts'
import { createMemoryServer, type MemoryServer, type ServerCopy } from '../memory/remote.ts'
import { createMemoryState, type MemoryState } from '../memory/state.ts'
import type { Remote } from '../ports.ts'
import { logIn, signUp } from './account.ts'
import { newVaultGrant, openGrant } from './grant.ts'
import { cipher } from './vault.suite.ts'
import type { SnapshotInfo, TreeEdit, Vault } from './vault-types.ts'
import { openVault } from './vault.ts'

export type Opened = { vault: Vault; state: MemoryState }

export type VaultWorld = {
  server: MemoryServer
  clock: SteppedClock
  vaultId: VaultId
  keys: AccessKeys[]
  /** The server as a device sees it. */
  remote(device: number): Remote
  /**
   * The vault as a device opens it, with a new state unless one is given, over its remote unless another is given, with
   * the vault keys of these later epochs.
   */
  open(
    device: number,
    state?: MemoryState,
    remote?: Remote,
    transfersMax?: () => number | null,
    laterEpochs?: ReadonlyMap<number, Uint8Array>,
  ): Opened
}

type Template = { copy: ServerCopy; keys: AccessKeys[]; grant: Uint8Array; vaultId: VaultId; timeNs: bigint }
let template: Promise<Template> | null = null

/** Accounts are slow to make, by design; every world starts from a copy of one. */
const makeTemplate = async (): Promise<Template> => {
  const clock = steppedClock()
  const chance = seededChance(7)
  const server = createMemoryServer({ cipher, chance, clock })
  const who = { door: server.door(), cipher, chance, clock, email: 'ada@example.org', password: 'correct horse' }
  await signUp({ ...who, invitation: server.invite() })
  const keys: AccessKeys[] = []
  for (const deviceName of ['laptop', 'desktop']) {
    const device = {
      serverUrl: 'https://localhost',
      pinnedCertificate: new Uint8Array(),
      clientVersion: 'test',
      deviceName,
    }
    keys.push((await logIn({ ...who, ...device })).accessKeys)
  }
  const vaultId = vaultIdFromBytes(chance.bytes(16))
  const { grant } = newVaultGrant({ cipher, chance }, ownerOf(keys[0]!), vaultId, 'documents')
  await server.remote(keys[0]!.deviceToken).createVault(vaultId, grant)
  return { copy: server.snapshot(), keys, grant, vaultId, timeNs: clock.nowNs() }
}

const ownerOf = ({ fileKey, deviceCertificate }: AccessKeys) => ({
  fileKey,
  identityPublicKey: deviceCertificate!.identityPublicKey,
})

export const createVaultWorld = async (): Promise<VaultWorld> => {
  const { copy, keys, grant, vaultId, timeNs } = await (template ??= makeTemplate())
  const clock = steppedClock(timeNs)
  const chance = seededChance(8)
  const server = createMemoryServer({ cipher, chance, clock })
  server.restore(copy, { isAnnounced: false })
  const remoteOf = (device: number) => server.remote(keys[device]!.deviceToken)
  return {
    server,
    clock,
    vaultId,
    keys,
    remote: remoteOf,
    open(device, state = createMemoryState(), remote = remoteOf(device), transfersMax = () => null, laterEpochs) {
      const accessKeys = keys[device]!
      const opened = openGrant({ cipher, chance }, ownerOf(accessKeys), vaultId, grant)
      const later = [...(laterEpochs ?? [])].map(([epoch, vaultKey]) => ({ ...opened, epoch, vaultKey }))
      return {
        state,
        vault: openVault({
          cipher,
          chance,
          clock,
          state,
          remote,
          accessKeys,
          grants: [opened, ...later],
          transfersMax,
        }),
      }
    },
  }
}

/** What a device works with that forgets, prunes, verifies and repairs. */
export const keepingPartsOf = (world: VaultWorld, device: number, { vault, state }: Opened, remote: Remote) => ({
  cipher,
  chance: seededChance(50 + device),
  keys: vault.keys,
  work: vault.work,
  state,
  remote,
  vault,
  identityPublicKey: world.keys[device]!.deviceCertificate!.identityPublicKey,
})

export const noStatistics = { files: 0n, folders: 0n, symlinks: 0n, bytes: 0n, nodesChanged: 0n, nodesRemoved: 0n }

/** Applies edits to the newest snapshot and commits them. */
export const push = async (
  vault: Vault,
  edits: TreeEdit[],
  parentOf: (folder: NodeId) => NodeId | null = () => rootNodeId,
): Promise<SnapshotInfo> => {
  const newest = vault.newest()
  const { root, touched } = await vault.editTree(newest?.root ?? null, edits, parentOf)
  return vault.commit({ expected: newest, root, touched, isPartial: false, statistics: noStatistics })
}

export const readFile = async (vault: Vault, content: Content): Promise<Uint8Array> =>
  new Uint8Array(Buffer.concat(await Array.fromAsync(vault.stream(content), (portion) => portion.slice())))
