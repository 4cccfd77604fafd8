/**
 * The ports that one process sees: the memory ones, with every call led through the process. A wrapper adds no behaviour
 * but what the process decides, and tells whoever keeps the account of contents which ones a call took from the disk.
 */
import type { Disk, DiskStat, FileReader, Remote, TempFile } from '@anysync/client/ports.ts'
import { readEach } from '@anysync/client/read-each.ts'
import { placeEach, writeEach } from '@anysync/client/write-each.ts'
import type { Inode } from '@anysync/client/memory/disk-inodes.ts'
import type { MemoryDisk } from '@anysync/client/memory/disk.ts'
import { SyncError } from '@anysync/protocol/errors.ts'
import type { Trace } from './dice.ts'
import type { Process } from './process.ts'

const noteStat = (trace: Trace, stat: DiskStat): void => {
  trace.text(stat.kind)
  trace.number(stat.size)
  trace.number(stat.mode)
  trace.big(stat.mtimeNs)
  trace.big(stat.ctimeNs)
  trace.big(stat.inode)
}

const noteError = (trace: Trace, error: unknown): void => {
  if (error instanceof SyncError) trace.text(error.kind)
}

/** `onTaken`: a file or link whose name the process took away or gave to another. */
export const diskOf = (process: Process, disk: MemoryDisk, trace: Trace, onTaken: (inode: Inode) => void): Disk => {
  const temps = new Map<TempFile, TempFile>()

  const call = async <Result>(
    operation: string,
    path: string,
    isChange: boolean,
    work: () => Promise<Result>,
    note?: (result: Result) => void,
  ): Promise<Result> => {
    await process.atDisk(operation, path, isChange)
    try {
      const result = await work()
      if (isChange) process.changed(operation)
      note?.(result)
      return result
    } catch (error) {
      noteError(trace, error)
      throw error
    }
  }
  const stat = (stat: DiskStat | null): void => {
    if (stat !== null) noteStat(trace, stat)
  }
  /** Runs what takes a name from what has it. */
  const taking = async <Result>(path: string, work: () => Promise<Result>): Promise<Result> => {
    const before = inodeAt(disk, path)
    const result = await work()
    if (before !== null) onTaken(before)
    return result
  }

  const sim: Disk = {
    lstat: (path) => call('disk.lstat', path, false, () => disk.lstat(path), stat),
    list: (path) =>
      call(
        'disk.list',
        path,
        false,
        () => disk.list(path),
        (found) => {
          for (const { name, stat: at } of found) {
            trace.text(name)
            stat(at)
          }
        },
      ),
    openFile: (path) =>
      call('disk.openFile', path, false, async () => readerOf(process, await disk.openFile(path), path, trace)),
    readFiles: (files, memory) => readEach(sim, files, memory),
    writeTemps: (files) => writeEach(sim, files),
    placeFiles: (files) => placeEach(sim, files),
    readLink: (path) =>
      call(
        'disk.readLink',
        path,
        false,
        () => disk.readLink(path),
        (target) => trace.text(target),
      ),
    createTemp: (folder) =>
      call('disk.createTemp', '', true, async () => {
        const inner = await disk.createTemp(folder)
        const temp = tempOf(process, inner, trace)
        temps.set(temp, inner)
        return temp
      }),
    place: (temp, path, expected) =>
      call(
        'disk.place',
        path,
        true,
        () => taking(path, () => disk.place(temps.get(temp) ?? temp, path, expected)),
        stat,
      ),
    placeLink: (target, path, expected, mtimeNs) =>
      call(
        'disk.placeLink',
        path,
        true,
        () => taking(path, () => disk.placeLink(target, path, expected, mtimeNs)),
        stat,
      ),
    makeFolder: (path) => call('disk.makeFolder', path, true, () => disk.makeFolder(path), stat),
    move: (from, to, expected) => call('disk.move', from, true, () => disk.move(from, to, expected), stat),
    remove: (path, expected) => call('disk.remove', path, true, () => taking(path, () => disk.remove(path, expected))),
    setAttributes: (path, expected, attributes) =>
      call('disk.setAttributes', path, true, () => disk.setAttributes(path, expected, attributes), stat),
    settle: () => call('disk.settle', '', false, () => disk.settle()),
    readMarker: () => call('disk.readMarker', '', false, () => disk.readMarker()),
    writeMarker: (text) => call('disk.writeMarker', '', true, () => disk.writeMarker(text)),
    removeMarker: () => call('disk.removeMarker', '', true, () => disk.removeMarker()),
    sweepTemp: () => call('disk.sweepTemp', '', false, () => disk.sweepTemp()),
    refuseName: (name) => disk.refuseName(name),
    foldName: (name) => disk.foldName(name),
  }
  return sim
}

/** What lies at a path now, seen without a call; null for nothing and for folders. */
const inodeAt = (disk: MemoryDisk, path: string): Inode | null => {
  let inode = disk.fileSystem.root
  for (const name of path.split('/')) inode = inode?.children.get(disk.foldName(name))?.inode ?? null
  return inode?.kind === 'folder' ? null : inode
}

const readerOf = (process: Process, inner: FileReader, path: string, trace: Trace): FileReader => ({
  stat: async () => {
    await process.atDisk('disk.stat', path, false)
    const stat = await inner.stat()
    noteStat(trace, stat)
    return stat
  },
  read: async (buffer, position) => {
    await process.atDisk('disk.read', path, false)
    const length = await inner.read(buffer, position)
    trace.bytes(buffer.subarray(0, length))
    return length
  },
  [Symbol.asyncDispose]: async () => {
    await process.answer()
    await inner[Symbol.asyncDispose]()
  },
})

const tempOf = (process: Process, inner: TempFile, trace: Trace): TempFile => ({
  write: async (bytes) => {
    await process.atDisk('disk.write', '', true)
    trace.bytes(bytes)
    await inner.write(bytes)
    process.changed('disk.write')
  },
  finish: async (attributes) => {
    await process.atDisk('disk.finish', '', true)
    await inner.finish(attributes)
  },
  [Symbol.asyncDispose]: async () => {
    await process.answer()
    await inner[Symbol.asyncDispose]()
  },
})

export const remoteOf = (process: Process, remote: Remote, trace: Trace): Remote => {
  const call = async <Result>(
    operation: string,
    work: () => Promise<Result>,
    note?: (result: Result) => void,
  ): Promise<Result> => {
    await process.atServer(operation)
    let result: Result
    try {
      result = await work()
      if (process.isRepeated()) {
        // The line did not see the reply and asked once more; others may have been heard in between.
        await process.atServer(operation)
        result = await work()
      }
      note?.(result)
    } catch (error) {
      noteError(trace, error)
      await process.atReply(operation)
      throw error
    }
    await process.atReply(operation)
    return result
  }
  return {
    whoAmI: () => call('account.whoAmI', () => remote.whoAmI()),
    logout: () => call('account.logout', () => remote.logout()),
    createVault: (vaultId, grant) => call('vault.create', () => remote.createVault(vaultId, grant)),
    listVaults: () => call('vault.list', () => remote.listVaults()),
    append: (vaultId, expected, record, packs, retired) =>
      call(
        'vault.append',
        () => {
          process.changes += 1
          return remote.append(vaultId, expected, record, packs, retired)
        },
        (head) => trace.text(head.hash),
      ),
    recordsSince: async function* (vaultId, sequence, isFromCheckpoint) {
      await process.atServer('vault.recordsSince')
      for await (const record of remote.recordsSince(vaultId, sequence, isFromCheckpoint)) {
        await process.atReply('vault.recordsSince')
        trace.bytes(record)
        yield record
      }
    },
    watch: (signal) => remote.watch(signal),
    existingPacks: (vaultId, packs) =>
      call(
        'pack.existing',
        () => remote.existingPacks(vaultId, packs),
        (existing) => trace.number(existing.size),
      ),
    packsInUse: (vaultId) =>
      call(
        'pack.inUse',
        () => remote.packsInUse(vaultId),
        (packs) => trace.number(packs.length),
      ),
    putPack: (vaultId, pack, bytes) =>
      call(
        'pack.put',
        () => remote.putPack(vaultId, pack, bytes),
        () => trace.text(pack),
      ),
    getPack: (vaultId, pack, offset, length, memory) =>
      call(
        'pack.get',
        () => remote.getPack(vaultId, pack, offset, length, memory),
        (bytes) => trace.bytes(bytes),
      ),
    packLength: (vaultId, pack) => call('pack.length', () => remote.packLength(vaultId, pack)),
  }
}
