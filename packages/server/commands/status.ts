/**
 * `anysync-server status`: whether it runs, where, and how much it holds.
 */
import { readConfig } from '../config.ts'
import { openDatabase } from '../db/database.ts'
import type { Database } from '../db/tables.ts'
import { readRunInfo, takeRunLock } from '../run-lock.ts'
import { readIdentity } from '../tls.ts'
import { homeOf, tell, type CommonOptions } from './options.ts'

export const status = async (options: CommonOptions): Promise<void> => {
  const home = homeOf(options)
  const config = readConfig(home)
  using lock = takeRunLock(home, 'to-ask')
  const run = lock === null ? readRunInfo(home) : null
  const { fingerprint } = readIdentity(config.tls ?? { certificate: home.certificateFile, key: home.keyFile })
  const database = openDatabase(home.databaseFile, lock !== null)
  try {
    const facts = {
      running: lock === null,
      pid: run?.pid ?? null,
      url: run?.url ?? null,
      home: home.root,
      fingerprint: fingerprint.toHex(),
      ...(await countAll(database)),
    }
    tell(options, facts, [
      facts.running ? `running at ${facts.url ?? '(starting)'}, process ${facts.pid ?? '(starting)'}` : 'not running',
      `home         ${facts.home}`,
      `fingerprint  ${facts.fingerprint}`,
      `holds        ${facts.accounts} accounts, ${facts.vaults} vaults, ${facts.packs} packs, ${facts.bytes} bytes`,
    ])
  } finally {
    await database.destroy()
  }
}

const countAll = async (database: Database) => {
  const { accounts, bytes } = await database
    .selectFrom('account')
    .select((of) => [
      of.fn.countAll<number>().as('accounts'),
      of.fn.coalesce(of.fn.sum<number>('bytes_used'), of.val(0)).as('bytes'),
    ])
    .executeTakeFirstOrThrow()
  const vaults = await countRows(database, 'vault')
  const packs = await countRows(database, 'pack')
  return { accounts, vaults, packs, bytes }
}

const countRows = async (database: Database, table: 'vault' | 'pack'): Promise<number> => {
  const { rows } = await database
    .selectFrom(table)
    .select((of) => of.fn.countAll<number>().as('rows'))
    .executeTakeFirstOrThrow()
  return rows
}
