/** What the tests of a Disk stand on: an empty folder, the person at it, and how they ask. */
import assert from 'node:assert/strict'
import { isTrouble, type Kind } from '@anysync/protocol/errors.ts'
import type { Disk, DiskStat } from '../ports.ts'
import type { DiskUser } from './disk-user.ts'
import { readFile } from './read-tree.ts'

/** A fresh, empty folder with a marker, and the person at it. */
export type DiskWorld = AsyncDisposable & {
  disk: Disk
  user: Omit<DiskUser, 'plug' | 'hideUnderEmptyFolder' | 'rewriteUnseen'>
  /** Runs the work as somebody whom permissions bind. */
  asOrdinaryPerson<Result>(work: () => Promise<Result>): Promise<Result>
}

export const bytesOf = (text: string) => new TextEncoder().encode(text)
export const textOf = async (disk: Disk, path: string) => new TextDecoder().decode(await readFile(disk, path))
export const refuses = (kind: Kind, work: Promise<unknown>) =>
  assert.rejects(
    work,
    (error: unknown) => isTrouble(error, kind) || assert.fail(`wanted ${kind}, got ${String(error)}`),
  )
export const attributes = { mode: 0o640, mtimeNs: 1_600_000_000_123_456_789n }

export const statOf = async (disk: Disk, path: string): Promise<DiskStat> => {
  const stat = await disk.lstat(path)
  assert.ok(stat, `nothing at ${path}`)
  return stat
}

export const placeText = async (
  disk: Disk,
  path: string,
  text: string,
  expected: DiskStat | null,
): Promise<DiskStat> => {
  await using temp = await disk.createTemp('')
  await temp.write(bytesOf(text))
  await temp.finish(attributes)
  return await disk.place(temp, path, expected)
}

export const namesIn = async (disk: Disk, path: string) => (await disk.list(path)).map(({ name }) => name).sort()

/** One thing that every Disk does, in a world of its own. */
export type Fact = (name: string, body: (world: DiskWorld) => Promise<void>) => void
