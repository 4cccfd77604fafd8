#!/usr/bin/env node
/**
 * Turns the home of a server, or a copy of it, and a password into files again, without any other part of AnySync. All
 * is checked as a client checks it; what does not hold is told and not written. See docs/format.md.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { parseArgs } from 'node:util'
import { writeFiles } from './files.ts'
import { openGrant, openMasterKeys, type Account } from './keys.ts'
import { demand, tell } from './message.ts'
import { hexOf, readLog, readPacks, type Snapshot, type VaultKeys } from './vault.ts'

const usage = `usage: node tools/decrypt/decrypt.ts HOME --list
       node tools/decrypt/decrypt.ts HOME --to FOLDER [--vault NAME] [--snapshot NUMBER]
HOME is a server's home, or a copy of it. The password is asked for, or read from standard input.
--master-keys FILE takes your own copy of master.keys instead of the server's.`

const text = { type: 'string' } as const
const options = { to: text, vault: text, snapshot: text, 'master-keys': text, list: { type: 'boolean' } } as const

type Vault = VaultKeys & { id: string; name: string; snapshots: Snapshot[] }

const main = async (): Promise<void> => {
  const { values, positionals } = parseArgs({ allowPositionals: true, options })
  const [home] = positionals
  if (home === undefined || (values.to === undefined) === (values.list === undefined)) return console.error(usage)
  using database = new DatabaseSync(join(home, 'server/anysync.db'), { readOnly: true })
  const own = values['master-keys']
  const masterKeys = own === undefined ? blobsOf(database, 'select master_keys from account') : [readFileSync(own)]
  const password = await readPassword()
  process.stdin.destroy()
  const accounts = masterKeys.map((bytes) => openMasterKeys(bytes, password)).filter((account) => account !== null)
  demand(accounts.length > 0, 'the password is wrong')
  const last = values.snapshot === undefined ? undefined : Number(values.snapshot)
  const vaults = accounts.flatMap((account) => readVaults(database, account, last))
  if (values.to === undefined) {
    for (const { name, snapshots } of vaults) console.log([JSON.stringify(name), ...snapshots.map(lineOf)].join('\n  '))
    return
  }
  const [vault, ...others] = vaults.filter(({ name }) => values.vault === undefined || name === values.vault)
  const names = vaults.map(({ name }) => JSON.stringify(name)).join(', ')
  demand(vault !== undefined && others.length === 0, `say which vault with --vault NAME: there are ${names}`)
  const snapshot = vault.snapshots.at(-1)
  demand(snapshot !== undefined && snapshot.sequence === (last ?? snapshot.sequence), 'there is no such snapshot')
  const read = readPacks(join(home, 'objects', vault.id), vault)
  const { files, folders, links } = writeFiles(values.to, snapshot.body.message(1, 'the root', 3), read)
  console.log(`snapshot ${lineOf(snapshot)}: ${files} files, ${folders} folders, ${links} links`)
}

/** The vaults of an account, which has a grant for each epoch of each, with the snapshots up to this one. */
const readVaults = (database: DatabaseSync, account: Account, last = Number.MAX_SAFE_INTEGER): Vault[] => {
  const granted = 'select sealed from vault_grant join account using (user_id) where identity_public_key = ?'
  const vaults = new Map<string, Vault>()
  for (const sealed of blobsOf(database, granted, account.identity)) {
    const { vaultId, name, epoch, vaultKey } = openGrant(account, sealed)
    const id = hexOf(vaultId)
    const vaultKeys = new Map([...(vaults.get(id)?.vaultKeys ?? []), [epoch, vaultKey]])
    vaults.set(id, { id, name, vaultId, vaultKeys, snapshots: [] })
  }
  const recorded = 'select bytes from record where vault_id = ? and sequence <= ? order by sequence'
  for (const vault of vaults.values())
    vault.snapshots = readLog(blobsOf(database, recorded, vault.id, last), account.identity, vault)
  return [...vaults.values()]
}

/** The one column that is selected. */
const blobsOf = (database: DatabaseSync, query: string, ...values: (Uint8Array | string | number)[]): Uint8Array[] => {
  const rows = database.prepare(query).all(...values)
  return rows.flatMap((row) => Object.values(row)).filter((value) => value instanceof Uint8Array)
}

const lineOf = ({ sequence, body }: Snapshot): string => {
  const time = new Date(Number(BigInt.asIntN(64, body.integer(2)) / 1_000_000n)).toISOString()
  return `${sequence} of ${time} by ${JSON.stringify(body.text(3))}${body.number(4) === 1 ? ', partial' : ''}`
}

const readPassword = async (): Promise<string> => {
  const terminal = process.stdin.isTTY
  if (terminal) process.stderr.write('Password: ')
  // Without an output nothing shows what is typed.
  for await (const line of createInterface({ input: process.stdin, terminal })) return line
  throw new Error('no password was given')
}

await main().catch((error: unknown) => tell('decrypt', error))
