/**
 * Makes a vault: keys that nobody has yet, and a grant of them that the server keeps for this account.
 */
import { newVaultGrant } from '@anysync/client/vault/grant.ts'
import { SyncError } from '@anysync/protocol/errors.ts'
import { vaultIdFromBytes } from '@anysync/protocol/ids.ts'
import { idBytes } from '@anysync/protocol/limits.ts'
import { shown } from './output/words.ts'
import { nodeChance } from './ports/chance.ts'
import { nodeCipher } from './ports/cipher.ts'
import { listVaults, ownerOf, type NamedVault, type Session } from './session.ts'

/** A new vault. `conflict` when the account has one of that name. */
export const makeVault = async (session: Session, name: string): Promise<NamedVault> => {
  const isTaken = (await listVaults(session)).some(({ grant }) => grant.name === name)
  if (isTaken)
    throw new SyncError('vault.create', 'conflict', `there is a vault '${shown(name)}' already: choose another name`)
  const vaultId = vaultIdFromBytes(nodeChance.bytes(idBytes))
  const parts = { cipher: nodeCipher, chance: nodeChance }
  const { grant } = newVaultGrant(parts, ownerOf(session.keys), vaultId, name)
  await session.remote.createVault(vaultId, grant)
  const made = (await listVaults(session)).find(({ info }) => info.vaultId === vaultId)
  if (made !== undefined) return made
  throw new SyncError('vault.create', 'corrupt', 'the server does not list the vault that it just made')
}
