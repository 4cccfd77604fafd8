/**
 * Moves a state database out of the way and keeps it: nothing that a rebuild replaces is deleted by it.
 */
import { existsSync, renameSync } from 'node:fs'
import { isoTime } from './output/words.ts'
import { attemptOn } from './private-files.ts'

const parts = ['-wal', '-shm', '']

/**
 * Where it is now; null when there is none. Its log goes with it and goes first: a new database beside an old log would be
 * taken for a damaged one. Call only while holding the account.
 */
export const setStateAside = (file: string, nowNs: bigint): string | null => {
  const kept = freeName(`${file}.kept-${isoTime(nowNs).replaceAll(/[-:]|\.\d+/g, '')}`)
  for (const part of parts) {
    if (existsSync(file + part)) attemptOn(file, 'moved away', () => renameSync(file + part, kept + part))
  }
  return existsSync(kept) ? kept : null
}

/** Whatever was kept before stays. */
const freeName = (wanted: string): string => {
  let name = wanted
  for (let number = 2; parts.some((part) => existsSync(name + part)); number++) name = `${wanted}-${number}`
  return name
}
