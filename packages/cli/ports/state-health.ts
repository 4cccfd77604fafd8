/**
 * Looks at a state database without changing it: whether it is whole, and what can still be read of one that is not.
 */
import { statSync } from 'node:fs'
import { DatabaseSync, type SQLOutputValue } from 'node:sqlite'
import type { Link, LogHead } from '@anysync/client/ports.ts'
import { SyncError } from '@anysync/protocol/errors.ts'
import { recordHashFromBytes, vaultIdFromBytes, type VaultId } from '@anysync/protocol/ids.ts'
import { stateBusyMsMax } from '@anysync/protocol/limits.ts'
import { blobOf, guardState, numberOf, schemaVersion, versionOf } from './state-database.ts'
import { linkFromRow } from './state-rows.ts'

/** `unreadable`: for a reason that lies outside of it, as a disk that fails or another program that locks it. */
export type StateHealth = { found: 'well' | 'missing' | 'damaged' | 'newer' | 'unreadable'; message: string }

/** Faults that are named; one is enough to know. */
const faultsMax = 3

/** Reads all of it, which takes seconds for each GB. */
export const examineState = (path: string): StateHealth => {
  if (statSync(path, { throwIfNoEntry: false }) === undefined) return { found: 'missing', message: 'there is none yet' }
  try {
    return guardState('state.examine', () => {
      using database = openToRead(path)
      const version = versionOf(database)
      if (version > schemaVersion)
        return { found: 'newer', message: `it is of version ${version}, this AnySync knows ${schemaVersion}` }
      const faults = database
        .prepare(`PRAGMA integrity_check(${faultsMax})`)
        .all()
        .map((row) => String(row['integrity_check']))
        .filter((fault) => fault !== 'ok')
      const [broken] = database.prepare('PRAGMA foreign_key_check').all()
      if (broken !== undefined) faults.push(`rows of '${String(broken['table'])}' belong to nothing`)
      if (faults.length > 0) return { found: 'damaged', message: faults.join('; ').replaceAll(/\s*\n\s*/g, ' ') }
      return { found: 'well', message: `whole, of version ${version}` }
    })
  } catch (error) {
    if (!(error instanceof SyncError)) throw error
    const isDamaged = error.kind === 'corrupt'
    return isDamaged
      ? { found: 'damaged', message: 'it is no database any more' }
      : { found: 'unreadable', message: error.message }
  }
}

/** What a damaged state still tells: every part is null when it cannot be read. */
export type Salvage = { links: Link[] | null; heads: Map<VaultId, LogHead> | null }

/** Believes nothing else of it: links are checked by the markers in their folders, heads against the server's log. */
export const salvageState = (path: string): Salvage => ({
  links: readOr(path, (database) =>
    rowsOf(database, 'SELECT id, vault, root, mode FROM links ORDER BY ref').map(linkFromRow),
  ),
  heads: readOr(path, (database) => {
    const rows = rowsOf(
      database,
      `SELECT vaults.id AS vault, sequence, hash FROM records JOIN vaults ON vaults.ref = records.vault
       WHERE sequence = (SELECT max(sequence) FROM records AS other WHERE other.vault = records.vault)`,
    )
    return new Map(
      rows.map((row) => [
        vaultIdFromBytes(blobOf(row, 'vault')),
        { sequence: numberOf(row, 'sequence'), hash: recordHashFromBytes(blobOf(row, 'hash')) },
      ]),
    )
  }),
})

const openToRead = (path: string): DatabaseSync => new DatabaseSync(path, { readOnly: true, timeout: stateBusyMsMax })

const rowsOf = (database: DatabaseSync, sql: string): Record<string, SQLOutputValue>[] => {
  const statement = database.prepare(sql)
  statement.setReadBigInts(true)
  return statement.all()
}

const readOr = <Result>(path: string, read: (database: DatabaseSync) => Result): Result | null => {
  try {
    return guardState('state.salvage', () => {
      using database = openToRead(path)
      return read(database)
    })
  } catch (error) {
    // Damage is why this is asked at all; a table that is not there is damage too (code 1, which no kind has).
    const isExpected = error instanceof SyncError || (error instanceof Error && 'errcode' in error)
    if (!isExpected) throw error
    return null
  }
}
