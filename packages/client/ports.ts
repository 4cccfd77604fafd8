/**
 * All that is impure, as interfaces: the client's only doors to the world. The Node ports live in the cli,
 * memory twins in `memory/`, and each interface has one suite that every implementation passes.
 * Paths are relative to the linked folder, with '/' between names; '' is the folder itself.
 */
import type { SyncError } from '@anysync/protocol/errors.ts'
import type { DeviceId, PackId, UserId, VaultId } from '@anysync/protocol/ids.ts'
import type { Kdf } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import type { LogHead } from './ports-state.ts'

export * from './ports-state.ts'

// ---------------------------------------------------------------------------------------------------
// Chance and Clock

export interface Chance {
  /** Fresh, unpredictable bytes; in the simulator, the seed's. */
  bytes(length: number): Uint8Array<ArrayBuffer>
}

export interface Clock {
  /** Nanoseconds since 1970-01-01 UTC. */
  nowNs(): bigint
  /** Milliseconds that never go back, from an arbitrary start. */
  monotonicMs(): number
  /** Resolves after so many milliseconds; rejects with the signal's reason when it is aborted first. */
  wait(ms: number, signal?: AbortSignal): Promise<void>
}

// ---------------------------------------------------------------------------------------------------
// Cipher

/** HMAC-SHA256 under one key, over the parts laid end to end. 32 bytes. */
export type Mac = (...parts: Uint8Array[]) => Uint8Array<ArrayBuffer>

/** The primitives of docs/design.md §Primitives, and zstd. Pure: same input, same output (but compressed bytes may differ between implementations). */
export interface Cipher {
  sha256(...parts: Uint8Array[]): Uint8Array<ArrayBuffer>
  mac(key: Uint8Array): Mac
  /** HKDF-SHA256 (RFC 5869) with an empty salt. */
  hkdf(secret: Uint8Array, info: string, length: number): Uint8Array<ArrayBuffer>
  /** scrypt (RFC 7914), 32 bytes. */
  scrypt(
    password: Uint8Array,
    salt: Uint8Array,
    cost: { n: number; r: number; p: number },
  ): Promise<Uint8Array<ArrayBuffer>>
  /** AES-256 of one 16-byte block under one key. */
  aesBlock(key: Uint8Array): (block: Uint8Array) => Uint8Array<ArrayBuffer>
  /** AES-256-GCM (SP 800-38D), 12-byte nonce: ciphertext | tag 16, behind the bytes of `front` as they are, if any. */
  gcmSeal(
    key: Uint8Array,
    nonce: Uint8Array,
    plaintext: Uint8Array,
    associated: Uint8Array,
    front?: Uint8Array,
  ): Uint8Array<ArrayBuffer>
  /** Null when the tag does not hold. */
  gcmOpen(
    key: Uint8Array,
    nonce: Uint8Array,
    sealed: Uint8Array,
    associated: Uint8Array,
  ): Uint8Array<ArrayBuffer> | null
  /** Ed25519 (RFC 8032) from a 32-byte seed. */
  signPublicKey(seed: Uint8Array): Uint8Array<ArrayBuffer>
  sign(seed: Uint8Array, message: Uint8Array): Uint8Array<ArrayBuffer>
  /** False for a wrong signature and for a malformed key or signature alike. */
  verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean
  /** One zstd frame (RFC 8878) with its content size. */
  compress(plaintext: Uint8Array, level: number): Uint8Array<ArrayBuffer>
  /** Null when the frame is not valid or does not open to exactly `length` bytes; never allocates more than that. */
  decompress(frame: Uint8Array, length: number): Uint8Array<ArrayBuffer> | null
}

// ---------------------------------------------------------------------------------------------------
// Disk

export type DiskKind = 'file' | 'folder' | 'symlink' | 'other'

/** What lstat says. */
export type DiskStat = {
  kind: DiskKind
  /** Bytes of a file; 0 otherwise. */
  size: number
  /** Permission bits, 0 to 0o7777. */
  mode: number
  mtimeNs: bigint
  ctimeNs: bigint
  device: bigint
  inode: bigint
}

export type DiskEntry = { name: string; stat: DiskStat } | { name: string; stat: null; reason: 'name-not-utf8' }

/** An open file; reads from any position. Disposing closes it. */
export interface FileReader extends AsyncDisposable {
  /** fstat of the open file. */
  stat(): Promise<DiskStat>
  /** Fills the buffer from the position as far as the file goes; returns the bytes read, 0 at its end. */
  read(buffer: Uint8Array, position: number): Promise<number>
}

/** `bytesMax`: the most of it that is read. */
export type FileToRead = { path: string; bytesMax: number }
/** A whole file, and what it was when its bytes were these; or why it was not read: `conflict` when it changed meanwhile. */
export type FileRead = { stat: DiskStat; bytes: Uint8Array } | { trouble: SyncError }

/** A file being made beside the tree, under a private folder. Disposing it unplaced removes it. */
export interface TempFile extends AsyncDisposable {
  write(bytes: Uint8Array): Promise<void>
  /** Sets mode and mtime and closes it. After this it may be placed; it is durable after the next `settle`. */
  finish(attributes: { mode: number; mtimeNs: bigint }): Promise<void>
}

/** `folder`: where it is to be placed. */
export type FileToWrite = { folder: string; bytes: Uint8Array; mode: number; mtimeNs: bigint }
/** A finished temp file, where it shall lie, and what it replaces there. */
export type FilePlacement = { temp: TempFile; path: string; expected: DiskStat | null }
/** Its stat there, or why it was not placed. */
export type Placed = { stat: DiskStat } | { trouble: SyncError }

/**
 * One linked folder. Nothing is ever followed: a path whose parent is a symlink is `conflict`. Every call that
 * changes what was there says what it expects there (compared by `isSameStat` of disk-stat.ts) and throws `conflict`,
 * changing nothing, when something else is.
 * A full disk is `full`; what the person may not read or write is `unavailable` with the reason.
 */
export interface Disk {
  /** Null when nothing is there. */
  lstat(path: string): Promise<DiskStat | null>
  /** Everything in a folder but private folders, in any order. Throws `missing` when it is gone, `unavailable` when unreadable. */
  list(path: string): Promise<DiskEntry[]>
  /** Opens a regular file, never through a symlink. Throws `missing`, `unavailable`, or `conflict` when it is not a file. */
  openFile(path: string): Promise<FileReader>
  /**
   * Reads small files whole into memory, one after the other, each as it was from first byte to last without a change in
   * between; the answers in the order of the paths. What is larger than `bytesMax`, or than the memory that is left, is
   * `conflict`. Does what `openFile` and its like do, at a cost that allows many thousands.
   */
  readFiles(files: FileToRead[], memory: Uint8Array): Promise<FileRead[]>
  readLink(path: string): Promise<string>

  /** For a file that is to be placed in this folder, which may lie on another file system than the linked one. */
  createTemp(folder: string): Promise<TempFile>
  /** Makes and finishes many small temp files at once, in their order; all of them or, when it throws, none. */
  writeTemps(files: FileToWrite[]): Promise<TempFile[]>
  /** Puts a finished temp file at the path by rename; `expected` is what it replaces (a file or symlink), null for nothing. Returns its stat there. */
  place(temp: TempFile, path: string, expected: DiskStat | null): Promise<DiskStat>
  /** The same for many at once; the answers in their order. */
  placeFiles(files: FilePlacement[]): Promise<Placed[]>
  /** The same for a symlink. */
  placeLink(target: string, path: string, expected: DiskStat | null, mtimeNs: bigint): Promise<DiskStat>
  /** Throws `conflict` when something is there. Its final attributes come later, by `setAttributes`. */
  makeFolder(path: string): Promise<DiskStat>
  /** Renames; throws `conflict` when something is at `to` (a rename that changes only the case of a name may pass). */
  move(from: string, to: string, expected: DiskStat): Promise<DiskStat>
  /** Removes a file, a symlink or an empty folder; a folder that is not empty is `conflict`. */
  remove(path: string, expected: DiskStat): Promise<void>
  /**
   * Mode and mtime of what is there, a symlink's own mtime included (mode is not set on symlinks). Of a file with other
   * names (hard links) only this name: a copy takes its place.
   */
  setAttributes(path: string, expected: DiskStat, attributes: { mode: number; mtimeNs: bigint }): Promise<DiskStat>
  /**
   * Makes durable what was finished, placed, moved, made, removed or set since the last call. Costly, so call it for
   * many at once: before placing (so that even after a power cut no file is half-written under its own name) and
   * before the base is written (so that the base never says more than the disk holds). [Note: order of writes]
   */
  settle(): Promise<void>

  /** The text of the marker in the private folder, null when it is not there. `missing` when the root itself is not there. */
  readMarker(): Promise<string | null>
  /** Makes the private folder (hidden, mode 0700) and the marker. */
  writeMarker(text: string): Promise<void>
  /** Removes the private folder and all that is in it. */
  removeMarker(): Promise<void>
  /** Removes temp files that a crash left behind. Call while nothing else writes. */
  sweepTemp(): Promise<void>
  /** Why this system cannot store a name, or null when it can. */
  refuseName(name: string): string | null
  /** Equal for names that this disk takes for one (Readme and README); the name itself where names are bytes. */
  foldName(name: string): string
}

/** Folders in which something may have changed, by path ('' is the linked folder itself); 'all' when it is not known where. */
export type Hint = 'all' | ReadonlySet<string>

/**
 * Tells where in the linked folder something changed. A hint, never a proof: it may miss some and tell too much, and a
 * folder that it names may be gone. What changed, came or went is told as its parent; a folder that came, by whatever
 * way, also as itself with every folder below it, for what was done in it before is not known. The private folder is not told.
 */
export interface Watcher {
  /** Begins to watch, or anew. `missing` when the linked folder is not there, `unavailable` with what to do when it cannot be watched. */
  open(signal: AbortSignal): Promise<void>
  /** Why some folders are not watched, and what to do; null when all are. */
  gap(): string | null
  /** Whether the linked folder is still the one that was opened: another disk may lie at its place. One look. */
  isInPlace(): boolean
  /** What was told since it was last asked, or what is told next. Bounded: many folders are 'all'. `unavailable`: `open` again. */
  nextHint(signal: AbortSignal): Promise<Hint>
  /** Touches a file of ours in the private folder, resolves when that is told. `missing` without a private folder. */
  probe(signal: AbortSignal): Promise<void>
}

// ---------------------------------------------------------------------------------------------------
// Remote: the server

export type SignUp = {
  invitation: Uint8Array
  email: string
  loginPublicKey: Uint8Array
  kdf: Kdf
  accessTokenHash: Uint8Array
  identityPublicKey: Uint8Array
  boxPublicKey: Uint8Array
  masterKeys: Uint8Array
}

export type Login = {
  clientVersion: string
  email: string
  boxPublicKey: Uint8Array
  challenge: Uint8Array
  deviceName: string
  signature: Uint8Array
}

export type LoginAnswer = {
  userId: UserId
  deviceId: DeviceId
  sealedToken: Uint8Array
  serverBoxPublicKey: Uint8Array
  masterKeys: Uint8Array
}

/** What a stranger may ask. */
export interface Door {
  /** SHA-256 of the certificate that this connection trusts, 32 bytes. */
  readonly certificateFingerprint: Uint8Array
  signUp(request: SignUp): Promise<UserId>
  challenge(email: string): Promise<{ challenge: Uint8Array; kdf: Kdf }>
  login(request: Login): Promise<LoginAnswer>
}

export type Me = {
  userId: UserId
  deviceId: DeviceId
  email: string
  deviceName: string
  bytesUsed: number
  bytesQuota: number
  /** The server's clock; null from one that does not say. */
  timeNs: bigint | null
}

export type VaultInfo = { vaultId: VaultId; grant: Uint8Array; head: LogHead | null; bytesStored: number }

/** A pack that the server has; `retired`: it deletes it when the hold time has passed, unless a record brings it again. */
export type StoredPack = 'kept' | 'retired'

/** What an account's device may ask. Every call throws SyncErrors only; `unavailable` is worth a retry. */
export interface Remote {
  whoAmI(): Promise<Me>
  logout(): Promise<void>
  /** `conflict` when the id is taken. Repeating it word for word is harmless. */
  createVault(vaultId: VaultId, grant: Uint8Array): Promise<void>
  listVaults(): Promise<{ vaults: VaultInfo[]; incarnation: Uint8Array }>
  /** `conflict` when the head is another, `missing` when a pack is not stored. Repeating an append that took place is harmless. */
  append(
    vaultId: VaultId,
    expected: LogHead | null,
    record: Uint8Array,
    packs: PackId[],
    retired?: PackId[],
  ): Promise<LogHead>
  /** The records after a sequence; with `isFromCheckpoint` those from the newest checkpoint on, if there is one after it. */
  recordsSince(vaultId: VaultId, sequence: number, isFromCheckpoint?: boolean): AsyncIterable<Uint8Array>
  /** Every head at once, then each as it moves, until aborted; then it simply ends. Throws `unavailable` when the line is lost. */
  watch(signal: AbortSignal): AsyncIterable<{ vaultId: VaultId; head: LogHead | null }>
  /** Those that the server has. */
  existingPacks(vaultId: VaultId, packs: PackId[]): Promise<Map<PackId, StoredPack>>
  /** The packs that records brought and none retired, as the server counts; for whoever has lost their names. */
  packsInUse(vaultId: VaultId): Promise<PackId[]>
  /** Resolves when the pack is durable on the server. Storing it twice is harmless. */
  putPack(vaultId: VaultId, pack: PackId, bytes: Uint8Array): Promise<void>
  /**
   * Bytes `offset` to `offset + length` of a pack; `missing` when it is not there or ends before; never more or fewer. They
   * lie in the memory if there is some, which is at least as long; when this throws, nothing writes there any more.
   */
  getPack(vaultId: VaultId, pack: PackId, offset: number, length: number, memory?: Uint8Array): Promise<Uint8Array>
  /** Bytes of the whole pack, or null when it is not there. */
  packLength(vaultId: VaultId, pack: PackId): Promise<number | null>
}
