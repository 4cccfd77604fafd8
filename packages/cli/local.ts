/**
 * What a command works with that asks no server: the account that is signed in, and its local state.
 */
import type { State } from '@anysync/client/ports.ts'
import type { AccessKeys } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import type { VaultId } from '@anysync/protocol/ids.ts'
import { homeFolder, lockAccount, pickAccount, type AccountHome, type SignedIn } from './homes.ts'
import { openState } from './ports/state.ts'

/** Options that every command takes. */
export type CommonOptions = { home?: string; account?: string; json?: boolean; quiet?: boolean }

/** What this device knows by itself. */
export type Local = AsyncDisposable & {
  account: AccountHome
  keys: AccessKeys
  state: State
}

export const homeOf = (options: CommonOptions): string => homeFolder(options.home, process.env)

export const signedIn = (options: CommonOptions): SignedIn => pickAccount(homeOf(options), options.account)

/**
 * Opens the account. `isAlone` takes it from other processes: for whatever works on a linked folder or on the account's
 * keys; what only reads may run beside a daemon. Throws `unauthorized` when nobody is signed in.
 */
export const openLocal = async (options: CommonOptions, isAlone: boolean): Promise<Local> => {
  const { account, keys } = signedIn(options)
  await using stack = new AsyncDisposableStack()
  if (isAlone) stack.use(lockAccount(account))
  const state = stack.use(openState(account.stateFile))
  const held = stack.move()
  return { account, keys, state, [Symbol.asyncDispose]: () => held.disposeAsync() }
}

/** What a vault is called, kept to be told when the server cannot be asked. */
const nameFact = 'name'

export const noteVaultName = (state: State, vaultId: VaultId, name: string): void => {
  if (state.fact(vaultId, nameFact) !== name) state.putFact(vaultId, nameFact, name)
}

export const vaultName = (state: State, vaultId: VaultId): string => state.fact(vaultId, nameFact) ?? vaultId
