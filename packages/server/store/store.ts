/**
 * Where the bytes of packs are kept. A store knows names, bytes and lengths; which packs exist is the database's word.
 * One suite, store.suite.ts, holds every implementation to this contract.
 */
import type { Readable } from 'node:stream'
import { SyncError } from '@anysync/protocol/errors.ts'
import type { PackId, VaultId } from '@anysync/protocol/ids.ts'

/** Both bounds included, 0 <= first <= last < length. */
export type ByteRange = { first: number; last: number }

export interface PackStore {
  /**
   * Keeps the body under its name; durable when it resolves. Throws `corrupt` when the bytes do not hash to the name,
   * `invalid` when they are not `length` long, `full` when there is no room; whatever it throws, nothing is left.
   * May be called twice, and at once, for the same pack. It asks for the next part when it needs the last no more, and a
   * disk writes part by part: large ones are better.
   */
  put(vaultId: VaultId, pack: PackId, body: AsyncIterable<Uint8Array>, length: number): Promise<void>
  /** The bytes, or a part of them; null when the pack is not there. The caller reads to the end or destroys. */
  get(vaultId: VaultId, pack: PackId, range: ByteRange | null): Promise<Readable | null>
  /** The length in bytes; null when the pack is not there. */
  head(vaultId: VaultId, pack: PackId): Promise<number | null>
  /** Deletes the pack. Harmless when it is not there. */
  remove(vaultId: VaultId, pack: PackId): Promise<void>
  /** Takes a damaged pack away without deleting it: it is not there any more. Harmless when it is not. */
  setAside(vaultId: VaultId, pack: PackId): Promise<void>
}

export const wrongLength = (pack: PackId, got: number, wanted: number): SyncError =>
  new SyncError('store.put', 'invalid', `pack ${pack} came with ${got} bytes, announced were ${wanted}: send it again`)

export const wrongHash = (pack: PackId): SyncError =>
  new SyncError('store.put', 'corrupt', `the bytes of pack ${pack} do not have that name: build it again`)
