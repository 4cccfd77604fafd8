/**
 * The work on content, in threads: what is worth a thread goes to one, the rest is done here.
 */
import { openVaultKeys } from '@anysync/client/crypto/vault-keys.ts'
import { createContentWork, type ContentWork, type WorkFor } from '@anysync/client/content/work.ts'
import { threadBytesMin } from '@anysync/protocol/limits.ts'
import { nodeChance } from './chance.ts'
import { nodeCipher } from './cipher.ts'
import { allocateShared, isShared, movable, sendable } from './thread-memory.ts'
import type { Threads } from './threads.ts'

export const workInThreads =
  (threads: Threads): WorkFor =>
  (vaultId, vaultKeyByEpoch): ContentWork => {
    const keys = openVaultKeys(nodeCipher, nodeChance, vaultId, vaultKeyByEpoch)
    const here = createContentWork({ cipher: nodeCipher, keys })
    threads.tell('openVault', [vaultId, vaultKeyByEpoch])
    const goes = (bytes: number): boolean => threads.areWorth(bytes) && bytes >= threadBytesMin
    return {
      // One for each thread to work on, and one that lies ready.
      atOnceMax: 2 * threads.count,
      allocate: allocateShared,
      prepare: (bytes) => threads.prepare(bytes),
      cut: (limits, bytes, isLast) =>
        goes(bytes.length)
          ? threads.run('cut', [vaultId, limits, sendable(bytes), isLast])
          : here.cut(limits, bytes, isLast),
      name: (kind, plaintexts) =>
        goes(lengthOf(plaintexts))
          ? threads.run('name', [vaultId, kind, plaintexts.map(sendable)])
          : here.name(kind, plaintexts),
      seal: (kind, plaintexts) =>
        goes(lengthOf(plaintexts))
          ? threads.run('seal', [vaultId, kind, plaintexts.map(sendable)])
          : here.seal(kind, plaintexts),
      join: (parts, memory) =>
        goes(memory.length)
          ? threads.run('join', [vaultId, parts.map(sendable), memory], movable(parts))
          : here.join(parts, memory),
      open: (place, sealed, wanted, slices) => {
        if (!goes(sealed.length + place.plainLength)) return here.open(place, sealed, wanted, slices)
        // Its neighbours lie in the same memory: only this much of it goes along, unless it is shared with the thread.
        const own = isShared(sealed) ? sealed : sealed.slice()
        const plainSlices = slices.map(({ offset, length }) => ({ offset, length }))
        return threads.run('open', [vaultId, place, own, wanted, plainSlices], movable(own))
      },
    }
  }

const lengthOf = (parts: Uint8Array[]): number => parts.reduce((sum, { length }) => sum + length, 0)
