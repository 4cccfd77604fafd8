/**
 * The short numbers by which the rows of the state database name links and vaults.
 */
import { assert } from '@anysync/protocol/errors.ts'
import type { VaultId } from '@anysync/protocol/ids.ts'
import { numberOf, type Row, type StateDatabase, type Statement } from './state-database.ts'

/** The short numbers that rows of links and vaults go by, looked up once. Null for what is not there. */
export const refsIn = (database: StateDatabase, sql: Record<'vault' | 'link' | 'putVault', Statement>) => {
  const links = new Map<string, number>()
  const vaults = new Map<VaultId, number>()
  const vault = (vaultId: VaultId): number | null => lookUp(vaults, vaultId, () => sql.vault.get(vaultId))
  return {
    vault,
    link: (linkId: string): number | null => lookUp(links, linkId, () => sql.link.get(linkId)),
    /** The vault's number, made when it has none. */
    madeVault(vaultId: VaultId): number {
      const known = vault(vaultId)
      if (known !== null) return known
      database.join(() => sql.putVault.run(vaultId))
      const made = vault(vaultId)
      assert(made !== null, 'a vault that was just put is there')
      return made
    },
    forget() {
      links.clear()
      vaults.clear()
    },
  }
}

const lookUp = <Key>(refs: Map<Key, number>, key: Key, read: () => Row | null): number | null => {
  const known = refs.get(key)
  if (known !== undefined) return known
  const row = read()
  if (!row) return null
  refs.set(key, numberOf(row, 'ref'))
  return numberOf(row, 'ref')
}
