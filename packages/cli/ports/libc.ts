/**
 * The few calls of the C library that Node lacks, by koffi: times in nanoseconds (Node carries seconds in a double,
 * which is off by up to 240 ns today), a rename that never replaces, the flush of a whole file system, and a look that
 * follows no link.
 * Each is null where the system has no such call; the Disk then takes a slower or coarser way.
 */
import { constants } from 'node:fs'
import { promisify } from 'node:util'

export type Libc = {
  /** Sets the mtime of what is at a path, a symlink's own included. Returns the errno, 0 when done. */
  setMtime: ((path: string, mtimeNs: bigint) => number) | null
  /** Renames unless something is at `to`. Returns the errno, 0 when done. */
  renameNoReplace: ((from: string, to: string) => number) | null
  /** Flushes the file system of an open file, off the main thread. True when all of it is durable. */
  syncFileSystem: ((descriptor: number) => Promise<boolean>) | null
  /** Whether a folder is there, and neither it nor anything above it is a symlink. False also when that is not known. */
  isFolderWithoutLinks: ((path: string) => boolean) | null
}

export const noLibc: Libc = { setMtime: null, renameNoReplace: null, syncFileSystem: null, isFolderWithoutLinks: null }

/** Loads in about 7 ms. Never throws: without koffi, or on Windows, every call is null. */
export const loadLibc = async (platform: NodeJS.Platform = process.platform): Promise<Libc> => {
  if (platform !== 'linux' && platform !== 'darwin') return noLibc
  let koffi: Koffi
  let library: Library
  try {
    koffi = await import('koffi')
    // Null is the running program, which has its C library loaded already, be it glibc, musl or macOS's.
    library = koffi.load(null)
  } catch {
    return noLibc // An optional dependency: npm has no binary of it for every system.
  }
  return bind(koffi, library, platform)
}

type Koffi = typeof import('koffi')
type Library = ReturnType<Koffi['load']>
type Call = ReturnType<Library['func']>

const bind = (koffi: Koffi, library: Library, platform: 'linux' | 'darwin'): Libc => {
  const here = platform === 'linux' ? -100 : -2 // AT_FDCWD: paths are absolute
  const errnoOf = (result: unknown): number => (result === 0 ? 0 : koffi.errno())

  const times = findTimes(koffi, library)
  const noFollow = platform === 'linux' ? 0x100 : 0x20 // AT_SYMLINK_NOFOLLOW
  const omit = platform === 'linux' ? (1n << 30n) - 2n : -2n // UTIME_OMIT: the atime stays
  const setMtime = (path: string, mtimeNs: bigint): number => {
    if (times === null) return 0
    return errnoOf(times.call(here, path, encodeTimes(mtimeNs, omit, times.longBytes), noFollow))
  }

  const rename = find(library, 'renameat2', 'int', ['int', 'str', 'int', 'str', 'uint'])
  const noReplace = 1 // RENAME_NOREPLACE
  const sync = find(library, 'syncfs', 'int', ['int'])
  const syncAside = sync === null ? null : promisify<number, unknown>(sync.async)
  return {
    setMtime: times === null ? null : setMtime,
    renameNoReplace: rename === null ? null : (from, to) => errnoOf(rename(here, from, here, to, noReplace)),
    syncFileSystem: syncAside === null ? null : async (descriptor) => (await syncAside(descriptor)) === 0,
    isFolderWithoutLinks: platform === 'linux' ? bindLook(library) : null,
  }
}

/**
 * By openat2 (Linux 5.6, man 2 openat2), which no C library wraps: its number is 437 on every architecture. A kernel that
 * does not know it refuses it.
 */
const bindLook = (library: Library): Libc['isFolderWithoutLinks'] => {
  const call = find(library, 'syscall', 'long', ['long', 'int', 'str', 'void *', 'size_t'])
  // Node warns when it is to close in a thread what it did not open.
  const close = find(library, 'close', 'int', ['int'])
  if (call === null || close === null) return null
  const [number, here] = [437, -100]
  // `struct open_how`: flags O_PATH, O_CLOEXEC, O_DIRECTORY; no mode; RESOLVE_NO_SYMLINKS.
  const how = Buffer.alloc(24)
  how.writeBigUInt64LE(0o10000000n | 0o2000000n | BigInt(constants.O_DIRECTORY), 0)
  how.writeBigUInt64LE(0x04n, 16)
  return (path) => {
    const descriptor = Number(call(number, here, path, how, how.length))
    if (descriptor < 0) return false
    close(descriptor)
    return true
  }
}

/** Null when this C library has no such function. */
const find = (library: Library, name: string, result: string, parameters: string[]): Call | null => {
  try {
    return library.func(name, result, parameters)
  } catch {
    return null
  }
}

type Times = { call: Call; longBytes: 4 | 8 }

/**
 * On 64-bit systems `utimensat` takes 64-bit times. On 32-bit ones that name is the old call with 32-bit times, and
 * the new one is `__utimensat64` (glibc) or `__utimensat_time64` (musl).
 */
const findTimes = (koffi: Koffi, library: Library): Times | null => {
  const parameters = ['int', 'str', 'void *', 'int']
  if (koffi.sizeof('long') === 8) {
    const call = find(library, 'utimensat', 'int', parameters)
    return call === null ? null : { call, longBytes: 8 }
  }
  for (const name of ['__utimensat64', '__utimensat_time64']) {
    const call = find(library, name, 'int', parameters)
    if (call !== null) return { call, longBytes: 8 }
  }
  const call = find(library, 'utimensat', 'int', parameters)
  return call === null ? null : { call, longBytes: 4 }
}

/** Two `struct timespec`, atime and mtime. Every system that Node runs on with koffi is little-endian here. */
const encodeTimes = (mtimeNs: bigint, omit: bigint, longBytes: 4 | 8): Buffer => {
  const billion = 1_000_000_000n
  const nanoseconds = ((mtimeNs % billion) + billion) % billion
  const seconds = (mtimeNs - nanoseconds) / billion
  const fields = [0n, omit, seconds, nanoseconds]
  const bytes = Buffer.alloc(4 * longBytes)
  fields.forEach((field, index) => {
    if (longBytes === 8) bytes.writeBigInt64LE(BigInt.asIntN(64, field), index * 8)
    else bytes.writeInt32LE(Number(BigInt.asIntN(32, field)), index * 4)
  })
  return bytes
}
