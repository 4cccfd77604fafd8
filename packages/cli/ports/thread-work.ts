/**
 * What a thread can be asked to do, and how it does it. A thread holds the keys of the vaults that it was told of, in
 * memory only, and no other state.
 */
import { discard } from '@anysync/client/crypto/bytes.ts'
import { openVaultKeys } from '@anysync/client/crypto/vault-keys.ts'
import type { CutLimits } from '@anysync/client/content/cut.ts'
import type { Sealed } from '@anysync/client/content/segment.ts'
import { createContentWork, type ContentWork, type Opened, type Slice } from '@anysync/client/content/work.ts'
import type { ChunkPlace, DiskStat, FileToRead } from '@anysync/client/ports.ts'
import { assert } from '@anysync/protocol/errors.ts'
import type { ContentKind } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import type { ChunkId, VaultId } from '@anysync/protocol/ids.ts'
import { nodeChance } from './chance.ts'
import { nodeCipher } from './cipher.ts'
import { loadLibc, type Libc } from './libc.ts'
import { readTogether, type ReadTogether } from './read-files.ts'
import { placeTogether, writeTogether, type PlacedPlain, type TempToPlace, type TempToWrite } from './write-files.ts'

export type ThreadWork = {
  openVault(vaultId: VaultId, vaultKeyByEpoch: ReadonlyMap<number, Uint8Array>): void
  cut(vaultId: VaultId, limits: CutLimits, bytes: Uint8Array, isLast: boolean): Promise<number[]>
  name(vaultId: VaultId, kind: ContentKind, plaintexts: Uint8Array[]): Promise<ChunkId[]>
  seal(vaultId: VaultId, kind: ContentKind, plaintexts: Uint8Array[]): Promise<Sealed>
  join(vaultId: VaultId, parts: Uint8Array[], memory: Uint8Array): Promise<Uint8Array>
  open(vaultId: VaultId, place: ChunkPlace, sealed: Uint8Array, wanted: ChunkId, slices: Slice[]): Promise<Opened>
  readFiles(root: string, files: FileToRead[], memory: Uint8Array): Promise<ReadTogether[]>
  writeTemps(memory: Uint8Array, files: TempToWrite[], isSynced: boolean): Promise<DiskStat[]>
  placeFiles(root: string, files: TempToPlace[]): Promise<PlacedPlain[]>
}

export type ThreadWorkName = keyof ThreadWork

export const createThreadWork = (): ThreadWork => {
  const works = new Map<VaultId, ContentWork>()
  const workOf = (vaultId: VaultId): ContentWork => {
    const work = works.get(vaultId)
    assert(work !== undefined, 'a thread is told of a vault before it works for it')
    return work
  }
  let loaded: Promise<Libc> | null = null
  const libc = (): Promise<Libc> => (loaded ??= loadLibc())
  return {
    openVault: (vaultId, vaultKeyByEpoch) => {
      const keys = openVaultKeys(nodeCipher, nodeChance, vaultId, vaultKeyByEpoch)
      works.set(vaultId, createContentWork({ cipher: nodeCipher, keys }))
    },
    cut: (vaultId, ...rest) => workOf(vaultId).cut(...rest),
    name: (vaultId, ...rest) => workOf(vaultId).name(...rest),
    seal: (vaultId, ...rest) => workOf(vaultId).seal(...rest),
    join: (vaultId, ...rest) => workOf(vaultId).join(...rest),
    open: async (vaultId, place, sealed, wanted, slices) => {
      const opened = await workOf(vaultId).open(place, sealed, wanted, slices)
      // It was sent here for this.
      if (opened.plaintext.buffer !== sealed.buffer) discard(sealed)
      return opened
    },
    readFiles: async (root, files, memory) => readTogether(await libc(), root, files, memory),
    writeTemps: async (memory, files, isSynced) => writeTogether(await libc(), memory, files, isSynced),
    placeFiles: async (root, files) => placeTogether(await libc(), root, files),
  }
}
