/**
 * The SQLite file behind the local state: opening, the schema and its migrations, prepared statements that turn
 * SQLite's trouble into ours, and typed columns. Knows nothing of what the rows mean.
 *
 * [Note: how durable the state is] WAL with synchronous=NORMAL: a crash of the process loses nothing, a power cut may
 * take back the newest transactions, always a whole tail of them and never one from the middle. That is safe, because
 * nothing here is the only copy of anything. The base is written after the log accepted a record and after files are
 * durable on disk, so it may fall behind the log, when the next turn finds equal contents and settles, but is never
 * ahead of it. Pending packs that are forgotten are uploaded again.
 */
import { closeSync, openSync } from 'node:fs'
import { DatabaseSync, type SQLInputValue, type SQLOutputValue } from 'node:sqlite'
import { assert, SyncError, type Kind } from '@anysync/protocol/errors.ts'
import { stateBusyMsMax } from '@anysync/protocol/limits.ts'

/**
 * Names of chunks are random, so rows that are written together lie apart: what does not fit here is written and read
 * again and again. SQLite's own default is 2 MB.
 */
const statePagesBytesMax = 16 * 1024 * 1024

/** Pages of 4 KiB after which the log of changes is written into the file, which waits for the disk. SQLite's own: 1,000. */
const walPagesMax = 8_000

export type Row = Record<string, SQLOutputValue>
/** A row as the list of its columns, which costs less. */
export type List = SQLOutputValue[]

/** A prepared statement. Integers come as bigint: nanoseconds and inodes do not fit a number. */
export type Statement<Read = Row> = {
  run(...values: SQLInputValue[]): void
  get(...values: SQLInputValue[]): Read | null
  all(...values: SQLInputValue[]): Read[]
}

/**
 * [Note: reads together] A read by itself takes and drops the locks of the file, which costs five times what the read does.
 * So what is read without a pause, until the event loop comes round, is read in one transaction, and sees the database as
 * it was at the first of them.
 */
export interface StateDatabase extends Disposable {
  /** Runs within a transaction; whatever it throws takes everything back. Calls may not nest. */
  transact<Result>(work: () => Result): Result
  /** Joins the transaction that is open, or is one of its own. */
  join(work: () => void): void
  /** What is read next is as others have left it by now. */
  refresh(): void
  prepare(sql: string): Statement
  /** One whose rows come as lists. */
  prepareLists(sql: string): Statement<List>
}

/** One entry a version, forward only: `user_version` counts those that are done. */
const migrations = [
  `
  CREATE TABLE links (ref INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, vault BLOB NOT NULL, root TEXT NOT NULL,
    mode TEXT NOT NULL) STRICT;
  CREATE TABLE nodes (link INTEGER NOT NULL REFERENCES links ON DELETE CASCADE, id BLOB NOT NULL, parent BLOB NOT NULL,
    name TEXT NOT NULL, kind TEXT NOT NULL, mode INTEGER NOT NULL, mtime_ns INTEGER NOT NULL, size INTEGER NOT NULL,
    content BLOB, link_target TEXT NOT NULL, absence TEXT NOT NULL,
    disk_kind TEXT, disk_size INTEGER, disk_mode INTEGER, disk_mtime_ns INTEGER, disk_ctime_ns INTEGER,
    disk_device INTEGER, disk_inode INTEGER, PRIMARY KEY (link, id)) STRICT, WITHOUT ROWID;
  CREATE INDEX nodes_by_parent ON nodes (link, parent);
  CREATE INDEX nodes_by_inode ON nodes (link, disk_inode) WHERE disk_inode IS NOT NULL;
  CREATE TABLE facts (scope TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL,
    PRIMARY KEY (scope, name)) STRICT, WITHOUT ROWID;
  CREATE TABLE vaults (ref INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE) STRICT;
  CREATE TABLE records (vault INTEGER NOT NULL REFERENCES vaults, sequence INTEGER NOT NULL, hash BLOB NOT NULL,
    record BLOB NOT NULL, PRIMARY KEY (vault, sequence)) STRICT;
  CREATE TABLE packs (ref INTEGER PRIMARY KEY, vault INTEGER NOT NULL REFERENCES vaults, id BLOB NOT NULL,
    directory BLOB NOT NULL, is_pending INTEGER NOT NULL, UNIQUE (vault, id)) STRICT;
  CREATE INDEX packs_pending ON packs (vault) WHERE is_pending = 1;
  CREATE TABLE chunks (vault INTEGER NOT NULL REFERENCES vaults, id BLOB NOT NULL, pack INTEGER NOT NULL REFERENCES packs,
    segment_offset INTEGER NOT NULL, sealed_length INTEGER NOT NULL, plain_length INTEGER NOT NULL,
    kind INTEGER NOT NULL, compression INTEGER NOT NULL, chunk_offset INTEGER NOT NULL, chunk_length INTEGER NOT NULL,
    PRIMARY KEY (vault, id, pack)) STRICT, WITHOUT ROWID;
  CREATE TABLE cache (ref INTEGER PRIMARY KEY, vault INTEGER NOT NULL REFERENCES vaults, id BLOB NOT NULL,
    bytes INTEGER NOT NULL, plaintext BLOB NOT NULL, UNIQUE (vault, id)) STRICT;
  `,
  // Why a node is not on this disk was a text; now it has a kind, and what may be tried again is found by it.
  `
  ALTER TABLE nodes ADD COLUMN absence_kind TEXT NOT NULL DEFAULT '';
  UPDATE nodes SET absence_kind = CASE absence WHEN 'the folder that holds it is not on this device' THEN 'folder'
    ELSE 'name' END WHERE disk_kind IS NULL;
  CREATE INDEX nodes_absent ON nodes (link, absence_kind) WHERE disk_kind IS NULL AND absence_kind <> 'folder';
  `,
  // One child of a large folder is found without reading the others.
  `
  CREATE INDEX nodes_by_place ON nodes (link, parent, name);
  DROP INDEX nodes_by_parent;
  `,
  `
  CREATE TABLE actions (ref INTEGER PRIMARY KEY, link INTEGER NOT NULL REFERENCES links ON DELETE CASCADE,
    time_ns INTEGER NOT NULL, path TEXT NOT NULL, what TEXT NOT NULL, why TEXT NOT NULL) STRICT;
  CREATE INDEX actions_by_link ON actions (link, ref);
  `,
  // Filled from the records when it is first asked for.
  `
  CREATE TABLE snapshots (vault INTEGER NOT NULL REFERENCES vaults, sequence INTEGER NOT NULL, snapshot BLOB NOT NULL,
    PRIMARY KEY (vault, sequence)) STRICT;
  `,
  // What needs no closer look: written by scans, removed with every row of what lies in the folder.
  `
  CREATE TABLE listings (link INTEGER NOT NULL REFERENCES links ON DELETE CASCADE, folder BLOB NOT NULL,
    hash BLOB NOT NULL, folders BLOB NOT NULL, PRIMARY KEY (link, folder)) STRICT, WITHOUT ROWID;
  `,
]

/** How many migrations there are: what `user_version` is in a database of this program. */
export const schemaVersion = migrations.length

/**
 * Opens the file, made with mode 0600 when it is not there. `unavailable` while another program writes to it,
 * `corrupt` when it is no database any more, `invalid` when a newer AnySync wrote it.
 */
export const openStateDatabase = (path: string, busyMsMax: number = stateBusyMsMax): StateDatabase => {
  const database = guardState('state.open', () => {
    closeSync(openSync(path, 'a', 0o600))
    return new DatabaseSync(path, { timeout: busyMsMax })
  })
  try {
    guardState('state.open', () => {
      database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON')
      database.exec(`PRAGMA cache_size = ${-statePagesBytesMax / 1024}; PRAGMA wal_autocheckpoint = ${walPagesMax}`)
      migrate(database)
    })
  } catch (error) {
    database.close()
    throw error
  }

  let isOpen = false
  const reads = readTogether(database)
  const transact = <Result>(work: () => Result): Result => {
    assert(!isOpen, 'transactions of the local state do not nest')
    reads.end()
    guardState('state.begin', () => database.exec('BEGIN IMMEDIATE'))
    isOpen = true
    try {
      const result = work()
      guardState('state.commit', () => database.exec('COMMIT'))
      return result
    } catch (error) {
      // Some failures (a full disk) have rolled back already.
      if (database.isTransaction) guardState('state.rollback', () => database.exec('ROLLBACK'))
      throw error
    } finally {
      isOpen = false
    }
  }
  const prepare = <Read>(sql: string, asLists: boolean): Statement<Read> => {
    const statement = guardState('state.prepare', () => database.prepare(sql))
    statement.setReadBigInts(true)
    statement.setReturnArrays(asLists)
    // Without a function of its own for each call: there are ten of them for every file.
    return {
      run(...values) {
        try {
          // In a transaction of reads it would not be written before the event loop comes round.
          if (!isOpen) reads.end()
          statement.run(...values)
        } catch (error) {
          throw troubleOf('state.write', error)
        }
      },
      get(...values) {
        try {
          if (!isOpen) reads.begin()
          // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- rows are what the statement was told to return
          return (statement.get(...values) ?? null) as Read | null
        } catch (error) {
          throw troubleOf('state.read', error)
        }
      },
      all(...values) {
        try {
          if (!isOpen) reads.begin()
          // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as above
          return statement.all(...values) as Read[]
        } catch (error) {
          throw troubleOf('state.read', error)
        }
      },
    }
  }
  return {
    transact,
    join: (work) => (isOpen ? work() : transact(work)),
    refresh: () => reads.end(),
    prepare: (sql) => prepare(sql, false),
    prepareLists: (sql) => prepare(sql, true),
    [Symbol.dispose]: () => {
      reads.end()
      database.close()
    },
  }
}

/** The transaction of reads that follow each other. [Note: reads together] */
const readTogether = (database: DatabaseSync) => {
  const [beginning, ending] = [database.prepare('BEGIN'), database.prepare('ROLLBACK')]
  let timer: NodeJS.Immediate | null = null
  const end = (): void => {
    if (timer === null) return
    clearImmediate(timer)
    timer = null
    // A failed read may have ended it.
    if (database.isTransaction) guardState('state.read', () => ending.run())
  }
  return {
    begin: (): void => {
      if (timer !== null) return
      beginning.run()
      timer = setImmediate(end)
    },
    end,
  }
}

const migrate = (database: DatabaseSync): void => {
  // Looks before it locks, so that a database in use can still be opened and read.
  if (versionOf(database) === schemaVersion) return
  database.exec('BEGIN IMMEDIATE')
  const done = versionOf(database)
  if (done > schemaVersion) {
    throw new SyncError('state.open', 'invalid', 'the state database was written by a newer AnySync: update this one')
  }
  for (const migration of migrations.slice(done)) database.exec(migration)
  database.exec(`PRAGMA user_version = ${schemaVersion}; COMMIT`)
}

export const versionOf = (database: DatabaseSync): number =>
  Number(database.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0)

const damagedMessage =
  'the state database is damaged: `anysync doctor --rebuild` builds it again from what the server has, and no file is lost'

/** What SQLite's result codes mean for a person (sqlite.org/rescode.html; the low byte is the primary code). */
const troubleByCode = new Map<number, [Kind, string]>([
  [5, ['unavailable', 'the state database is in use by another program: close it and try again']],
  [6, ['unavailable', 'the state database is in use by another program: close it and try again']],
  [8, ['unavailable', 'the state database cannot be written: give yourself write access to its folder and try again']],
  [10, ['unavailable', 'the disk failed to read or write the state database: check the disk and try again']],
  [11, ['corrupt', damagedMessage]],
  [13, ['full', 'the disk that holds the state database is full: free some space and try again']],
  [14, ['unavailable', 'the state database cannot be opened: see that its folder exists and is yours, and try again']],
  [26, ['corrupt', damagedMessage]],
])

/** Runs calls of SQLite; their trouble becomes ours. */
export const guardState = <Result>(operation: string, work: () => Result): Result => {
  try {
    return work()
  } catch (error) {
    throw troubleOf(operation, error)
  }
}

/** What is thrown for something that a call of SQLite threw: as it is, when it is no trouble of SQLite's. */
const troubleOf = (operation: string, error: unknown): unknown => {
  if (error instanceof SyncError) return error
  const code = error instanceof Error && 'errcode' in error ? Number(error.errcode) & 0xff : null
  const isFileTrouble = error instanceof Error && 'syscall' in error
  const [kind, message] = troubleByCode.get(code ?? (isFileTrouble ? 14 : 0)) ?? []
  return kind === undefined || message === undefined ? error : new SyncError(operation, kind, message, error)
}

const damaged = (): SyncError => new SyncError('state.read', 'corrupt', damagedMessage)

/** Values with the type that the schema promises. */
export const asBlob = (value: SQLOutputValue | undefined): Uint8Array => {
  if (value instanceof Uint8Array) return value
  throw damaged()
}

export const asText = (value: SQLOutputValue | undefined): string => {
  if (typeof value === 'string') return value
  throw damaged()
}

export const asBigint = (value: SQLOutputValue | undefined): bigint => {
  if (typeof value === 'bigint') return value
  throw damaged()
}

export const asNumber = (value: SQLOutputValue | undefined): number => Number(asBigint(value))

/** Columns of a row. */
export const blobOf = (row: Row, column: string): Uint8Array => asBlob(row[column])
export const textOf = (row: Row, column: string): string => asText(row[column])
export const bigintOf = (row: Row, column: string): bigint => asBigint(row[column])
export const numberOf = (row: Row, column: string): number => asNumber(row[column])
