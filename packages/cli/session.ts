/**
 * What a command works with that asks the server: the account as this device knows it, and its vaults by name.
 */
import type { Remote, VaultInfo } from '@anysync/client/ports.ts'
import { openGrant, type GrantOwner, type OpenedGrant } from '@anysync/client/vault/grant.ts'
import { openVault } from '@anysync/client/vault/vault.ts'
import type { Vault } from '@anysync/client/vault/vault-types.ts'
import { SyncError } from '@anysync/protocol/errors.ts'
import type { AccessKeys } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import type { VaultId } from '@anysync/protocol/ids.ts'
import type { SignedIn } from './homes.ts'
import { noteIncarnation } from './incarnation.ts'
import { noteVaultName, openLocal, vaultName, type CommonOptions, type Local } from './local.ts'
import { shown } from './output/words.ts'
import { nodeChance } from './ports/chance.ts'
import { nodeCipher } from './ports/cipher.ts'
import { nodeClock } from './ports/clock.ts'
import { createFlow, type Flow } from './ports/flow.ts'
import { parseServerLink } from './ports/link.ts'
import { trustOf } from './ports/pin.ts'
import { workInThreads } from './ports/content-threads.ts'
import { openRemote } from './ports/remote.ts'
import { createThreads, type Threads } from './ports/threads.ts'
import type { LineOptions } from './ports/transport.ts'
import { readSettings, settingsReader } from './settings/settings-file.ts'
import type { Settings } from './settings/settings.ts'

export type Session = Local & {
  remote: Remote
  /** What all transfers of this process share. */
  flow: Flow
  /** What all heavy work of this process shares. */
  threads: Threads
  /**
   * The settings as they are now; limits and proxy hold from then on. Cheap: ask at every turn. Throws `invalid` while
   * the file is wrong, and then all stays as it was.
   */
  settings(): Settings
}

/** The account, as `openLocal` opens it, with the server; nothing is asked of it yet. */
export const openSession = async (options: CommonOptions, isAlone: boolean): Promise<Session> => {
  await using stack = new AsyncDisposableStack()
  const { account, keys, state } = stack.use(await openLocal(options, isAlone))
  const read = settingsReader(account)
  const flow = createFlow(nodeClock)
  let { proxy } = read()
  const settings = (): Settings => {
    const current = read()
    flow.adjust(current.flow)
    proxy = current.proxy
    return current
  }
  settings()
  const threads = stack.use(createThreads())
  const remote = stack.use(remoteOf({ account, keys }, { flow, proxy: () => proxy }))
  const held = stack.move()
  return { account, keys, state, remote, flow, threads, settings, [Symbol.asyncDispose]: () => held.disposeAsync() }
}

/** The server as this device's keys know it, through the account's proxy unless another is given. */
export const remoteOf = (
  { account, keys }: SignedIn,
  options: LineOptions = { proxy: () => readSettings(account).proxy },
): Remote & AsyncDisposable => {
  const { server } = parseServerLink(keys.serverUrl)
  return openRemote(server, trustOf(keys.pinnedCertificate), keys.deviceToken, options)
}

export const ownerOf = (keys: AccessKeys): GrantOwner => {
  const { deviceCertificate, fileKey } = keys
  if (deviceCertificate === undefined) {
    throw new SyncError('session.open', 'corrupt', 'access.keys holds no device certificate: log in again')
  }
  return { fileKey, identityPublicKey: deviceCertificate.identityPublicKey }
}

/** A vault of the account, its grant opened and checked. */
export type NamedVault = { info: VaultInfo; grant: OpenedGrant }

/** What the server says of them; nothing is noted. */
export const askVaults = async ({
  keys,
  remote,
}: Pick<Session, 'keys' | 'remote'>): Promise<{ named: NamedVault[]; incarnation: Uint8Array }> => {
  const owner = ownerOf(keys)
  const parts = { cipher: nodeCipher, chance: nodeChance }
  const { vaults, incarnation } = await remote.listVaults()
  return {
    named: vaults.map((info) => ({ info, grant: openGrant(parts, owner, info.vaultId, info.grant) })),
    incarnation,
  }
}

export const listVaults = async ({
  keys,
  remote,
  state,
}: Pick<Session, 'keys' | 'remote' | 'state'>): Promise<NamedVault[]> => {
  const { named, incarnation } = await askVaults({ keys, remote })
  noteIncarnation(state, incarnation)
  for (const { info, grant } of named) noteVaultName(state, info.vaultId, grant.name)
  return named
}

/** Opens a vault; nothing is fetched yet. */
export const openNamed = ({ keys, remote, state, flow, threads }: Session, { grant }: NamedVault): Vault => {
  const parts = { cipher: nodeCipher, chance: nodeChance, clock: nodeClock, state, remote }
  const transfersMax = () => flow.limits().transfersMax
  return openVault({ ...parts, accessKeys: keys, grants: [grant], transfersMax, workFor: workInThreads(threads) })
}

/** The vault with this id. `missing` when the account has no grant to it any more. */
export const findVault = async (session: Session, vaultId: VaultId): Promise<NamedVault> => {
  const vault = (await listVaults(session)).find(({ info }) => info.vaultId === vaultId)
  if (vault !== undefined) return vault
  const name = shown(vaultName(session.state, vaultId))
  throw new SyncError(
    'vault.find',
    'missing',
    `the server has no vault '${name}' for this account any more: ask its owner`,
  )
}

/** The vault of that name, or the only one. `missing` or `invalid` with the names there are. */
export const pickVault = async (session: Session, name: string | undefined): Promise<NamedVault> =>
  pickNamed(await listVaults(session), name)

/** The same of these vaults. */
export const pickNamed = (vaults: readonly NamedVault[], name: string | undefined): NamedVault => {
  const matching = vaults.filter(({ grant }) => name === undefined || grant.name === name)
  const [vault, ...others] = matching
  if (vault !== undefined && others.length === 0) return vault
  const names = vaults.map(({ grant }) => `'${shown(grant.name)}'`).join(', ')
  if (vaults.length === 0) {
    throw new SyncError('vault.pick', 'missing', 'this account has no vault: make one with `anysync vault create NAME`')
  }
  if (vault === undefined)
    throw new SyncError('vault.pick', 'missing', `there is no vault of that name: there are ${names}`)
  if (name === undefined)
    throw new SyncError('vault.pick', 'invalid', `there are several vaults (${names}): say which with --vault NAME`)
  throw new SyncError('vault.pick', 'invalid', `several vaults are called '${shown(name)}': rename one first`)
}
