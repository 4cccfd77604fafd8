/**
 * Sends what is new to the server and remembers it as pending until a record brings it, so that nothing is sent twice,
 * whatever interrupts a push.
 */
import { SyncError } from '@anysync/protocol/errors.ts'
import type { Content, IndexedPack } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { packIdFromBytes, type PackId } from '@anysync/protocol/ids.ts'
import type { Source, SourceKind } from '../content/identify.ts'
import type { Window } from '../content/windows.ts'
import type { ContentWork } from '../content/work.ts'
import { createContentWriter, type ContentWriter } from '../content/write.ts'
import type { VaultKeys } from '../crypto/vault-keys.ts'
import type { Chance, Remote, State } from '../ports.ts'
import { pendingIds, storePack } from './stored-packs.ts'
import type { TreeCache } from './tree-cache.ts'

export type VaultWriter = {
  /** The content of these bytes; its chunks are durable after `finish`. */
  write(kind: SourceKind, source: Source): Promise<Content>
  /** The same for files of up to 256 KiB, many at once, in memory that is taken for them. */
  takeWindow(): Window
  writeSmall(plaintexts: Uint8Array[], window: Window): Promise<Content[]>
  /** Makes durable all that was written; the packs stored since the last finish. */
  finish(): Promise<IndexedPack[]>
  /** Begins anew when something failed to be stored, and else goes on. */
  renew(): Promise<void>
  /** Asks the server which pending packs it still has, and forgets the others. */
  checkPending(): Promise<void>
  /** Bytes of these packs, as far as this process stored them. */
  bytesOf(packs: IndexedPack[]): number
}

export const createVaultWriter = (parts: {
  chance: Chance
  keys: VaultKeys
  work: ContentWork
  state: State
  remote: Remote
  treeCache: TreeCache
  /** How many packs may be on their way at once. */
  storingMax: () => number
}): VaultWriter => {
  const { keys, state, remote } = parts
  const { vaultId } = keys
  const bytesByPack = new Map<PackId, number>()
  let current: ContentWriter | null = null
  let isPendingChecked: Promise<void> | null = null

  const create = (): ContentWriter =>
    createContentWriter({
      ...parts,
      isKnown: (chunkId) => state.hasChunk(vaultId, chunkId),
      async storePack(pack) {
        await storePack(parts, pack)
        bytesByPack.set(pack.id, pack.bytes.length)
      },
      cacheTree: (chunkId, plaintext) => parts.treeCache.put(chunkId, plaintext),
    })

  const checkPending = async (): Promise<void> => {
    const pending = pendingIds(state, vaultId)
    if (pending.size === 0) return
    const existing = await remote.existingPacks(vaultId, [...pending])
    state.transact(() => {
      for (const pack of pending) if (!existing.has(pack)) state.removePack(vaultId, pack)
    })
  }

  /** Before the first write: chunks of a pack that an earlier run left, and that is gone, must be stored again. */
  const ready = (): Promise<void> => {
    isPendingChecked ??= checkPending().catch((error: unknown) => {
      isPendingChecked = null
      throw error
    })
    return isPendingChecked
  }

  return {
    async write(kind, source) {
      await ready()
      return (current ??= create()).write(kind, source)
    },
    takeWindow: () => (current ??= create()).takeWindow(),
    async writeSmall(plaintexts, window) {
      await ready()
      return (current ??= create()).writeSmall(plaintexts, window)
    },
    async finish() {
      await ready()
      return (await current?.finish()) ?? []
    },
    async renew() {
      try {
        await current?.finish()
      } catch (error) {
        // Whoever wrote was told already, or will be by `commit`: the new writer does not know the lost chunks.
        if (!(error instanceof SyncError)) throw error
        current = null
      }
    },
    checkPending,
    bytesOf: (packs) => packs.reduce((sum, { pack }) => sum + (bytesByPack.get(packIdFromBytes(pack)) ?? 0), 0),
  }
}
