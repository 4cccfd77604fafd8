/**
 * Packs as plain files, `<vault>/<first two hex digits>/<pack>`. A pack appears by rename after it was hashed and is
 * durable, so whatever has a pack's name is that pack.
 */
import { createHash, randomUUID } from 'node:crypto'
import { mkdir, open, readdir, rename, rm, stat, statfs, type FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Readable } from 'node:stream'
import { demand, SyncError } from '@anysync/protocol/errors.ts'
import type { PackId, VaultId } from '@anysync/protocol/ids.ts'
import { KiB } from '@anysync/protocol/limits.ts'
import { wrongHash, wrongLength, type PackStore } from './store.ts'

const readBytes = 256 * KiB

/** `reserveBytes`: of the disk, kept free for everything else, the database first. */
export type DiskStoreOptions = {
  folder: string
  reserveBytes: number
  /** Another process may be storing packs here: what is incoming is its own. */
  isShared?: boolean
}

/** Makes the folder, and removes what an interrupted upload left. */
export const openDiskStore = async ({
  folder,
  reserveBytes,
  isShared = false,
}: DiskStoreOptions): Promise<PackStore> => {
  const incoming = join(folder, '.incoming')
  await mkdir(incoming, { recursive: true, mode: 0o700 })
  if (!isShared) for (const name of await readdir(incoming)) await rm(join(incoming, name), { force: true })
  const fileOf = (vaultId: VaultId, pack: PackId) => join(folder, vaultId, pack.slice(0, 2), pack)
  const makeFolder = createFolderMaker(folder)
  // What uploads under way will still write: free on the disk, but promised.
  let promisedBytes = 0

  const checkRoom = async (): Promise<void> => {
    const { bavail, bsize } = await statfs(folder)
    demand(
      bavail * bsize - promisedBytes >= reserveBytes,
      'store.put',
      'full',
      "the server's disk is full: free space on the server or give it a larger disk",
    )
  }

  return {
    put: async (vaultId, pack, body, length) => {
      const temp = join(incoming, randomUUID())
      promisedBytes += length
      try {
        await checkRoom()
        await writeDurably(temp, pack, body, length)
        const file = fileOf(vaultId, pack)
        await makeFolder(dirname(file))
        await rename(temp, file)
        await syncNames(dirname(file))
      } catch (error) {
        await rm(temp, { force: true })
        throw asFull(error)
      } finally {
        promisedBytes -= length
      }
    },

    get: async (vaultId, pack, range) => {
      const handle = await absentAsNull(open(fileOf(vaultId, pack), 'r'))
      return handle === null ? null : readFrom(handle, range)
    },

    head: async (vaultId, pack) => (await absentAsNull(stat(fileOf(vaultId, pack))))?.size ?? null,

    remove: (vaultId, pack) => rm(fileOf(vaultId, pack), { force: true }),

    setAside: async (vaultId, pack) => {
      const aside = join(folder, '.damaged', vaultId)
      await mkdir(aside, { recursive: true, mode: 0o700 })
      await absentAsNull(rename(fileOf(vaultId, pack), join(aside, pack)))
    },
  }
}

const writeDurably = async (
  file: string,
  pack: PackId,
  body: AsyncIterable<Uint8Array>,
  length: number,
): Promise<void> => {
  const handle = await open(file, 'wx', 0o600)
  try {
    await copyHashed(handle, pack, body, length)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Never takes a byte more than was announced. */
const copyHashed = async (
  handle: FileHandle,
  pack: PackId,
  body: AsyncIterable<Uint8Array>,
  length: number,
): Promise<void> => {
  const hash = createHash('sha256')
  let total = 0
  for await (const part of body) {
    total += part.length
    if (total > length) throw wrongLength(pack, total, length)
    hash.update(part)
    await writeAll(handle, part)
  }
  if (total !== length) throw wrongLength(pack, total, length)
  if (hash.digest('hex') !== pack) throw wrongHash(pack)
}

/** A disk that fills up takes a part and fails the next write. */
const writeAll = async (handle: FileHandle, bytes: Uint8Array): Promise<void> => {
  for (let at = 0; at < bytes.length;) at += (await handle.write(bytes, at)).bytesWritten
}

const readFrom = (handle: FileHandle, range: { first: number; last: number } | null): Readable =>
  handle.createReadStream({
    highWaterMark: readBytes,
    ...(range === null ? {} : { start: range.first, end: range.last }),
  })

/** Folders whose names are known to be durable; forgetting one costs only another fsync. */
const durableFoldersMax = 10_000

/** Makes the folders of packs, and their names durable: those of a vault in the root, those of digits in the vault's. */
const createFolderMaker = (root: string): ((folder: string) => Promise<void>) => {
  const durable = new Set<string>()
  return async (folder) => {
    if (durable.has(folder)) return
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await syncNames(dirname(folder))
    await syncNames(root)
    if (durable.size >= durableFoldersMax) durable.clear()
    durable.add(folder)
  }
}

/** Makes the names in a folder durable. Windows has no such call, and NTFS journals them. */
const syncNames = async (folder: string): Promise<void> => {
  if (process.platform === 'win32') return
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

const codeOf = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined

const absentAsNull = async <Result>(work: Promise<Result>): Promise<Result | null> => {
  try {
    return await work
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return null
    throw error
  }
}

const asFull = (error: unknown): unknown => {
  const code = codeOf(error)
  if (code !== 'ENOSPC' && code !== 'EDQUOT') return error
  return new SyncError('store.put', 'full', "the server's disk is full: free space on the server", error)
}
