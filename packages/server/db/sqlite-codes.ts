/**
 * The few of SQLite's result codes that mean something to the server (sqlite.org/rescode.html).
 */

export const sqliteCodes = { busy: 5, readOnly: 8, full: 13, cannotOpen: 14 } as const

/** The primary code of an error of `node:sqlite`; null for any other error. */
export const sqliteCodeOf = (error: unknown): number | null =>
  error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' ? error.errcode & 0xff : null
