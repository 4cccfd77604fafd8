/**
 * `anysync vault create` and `anysync vault list`.
 */
import { newVaultGrant } from '@anysync/client/vault/grant.ts'
import { SyncError } from '@anysync/protocol/errors.ts'
import { vaultIdFromBytes } from '@anysync/protocol/ids.ts'
import { idBytes } from '@anysync/protocol/limits.ts'
import { createOutput, table } from '../output/print.ts'
import { formatBytes, shown } from '../output/words.ts'
import { nodeChance } from '../ports/chance.ts'
import { nodeCipher } from '../ports/cipher.ts'
import type { CommonOptions } from '../local.ts'
import { listVaults, openSession, ownerOf, type NamedVault, type Session } from '../session.ts'

export const createVault = async (name: string, options: CommonOptions): Promise<void> => {
  const output = createOutput(options)
  await using session = await openSession(options, false)
  const { info } = await makeVault(session, name)
  output.tell({ vaultId: info.vaultId, name })
  output.say(`made the vault '${shown(name)}'; link a folder to it with \`anysync add FOLDER --vault NAME\``)
}

export const list = async (options: CommonOptions): Promise<void> => {
  const output = createOutput(options)
  await using session = await openSession(options, false)
  const vaults = (await listVaults(session)).map(({ info, grant }) => ({
    vaultId: info.vaultId,
    name: grant.name,
    sequence: info.head?.sequence ?? 0,
    bytesStored: info.bytesStored,
  }))
  output.tell({ vaults })
  if (vaults.length === 0) output.note('there is no vault yet: make one with `anysync vault create NAME`')
  const rows = vaults.map(({ name, sequence, bytesStored }) => [
    shown(name),
    sequence === 0 ? 'empty' : `snapshot ${sequence}`,
    formatBytes(bytesStored),
  ])
  for (const line of table(rows)) output.say(line)
}

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
