/**
 * What went wrong, in the words of the wire. Trouble that has a kind keeps it; a full database is `full`; all the rest
 * is the server's own fault, which is logged in full and answered with one sentence that tells nothing.
 */
import { SyncError } from '@anysync/protocol/errors.ts'
import { sqliteCodeOf, sqliteCodes } from './db/sqlite-codes.ts'

/** Null for what nobody foresaw. */
export const troubleOf = (error: unknown): SyncError | null => {
  if (error instanceof SyncError) return error
  switch (sqliteCodeOf(error)) {
    case sqliteCodes.full:
      return new SyncError('database', 'full', "the server's disk is full: free space on the server", error)
    case sqliteCodes.busy:
      return new SyncError('database', 'unavailable', 'the database is busy: try again in a moment', error)
    case sqliteCodes.readOnly:
      return new SyncError(
        'database',
        'unavailable',
        "the server's database cannot be written by this user: run it as the user who made it",
        error,
      )
    case null:
    default:
      return null
  }
}

export const ownFault = (cause: unknown): SyncError =>
  new SyncError('server', 'unavailable', 'the server failed at this call; its log says why: try again later', cause)
