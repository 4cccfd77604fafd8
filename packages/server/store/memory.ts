/**
 * Packs in memory, for tests: the same promises as the disk, and a size at which it is full.
 */
import { hash } from 'node:crypto'
import { Readable } from 'node:stream'
import { demand } from '@anysync/protocol/errors.ts'
import { wrongHash, wrongLength, type PackStore } from './store.ts'

export const createMemoryStore = ({ bytesMax }: { bytesMax: number }): PackStore => {
  const packsByName = new Map<string, Uint8Array>()
  let usedBytes = 0
  return {
    put: async (vaultId, pack, body, length) => {
      demand(usedBytes + length <= bytesMax, 'store.put', 'full', "the server's memory is full: store less")
      const parts: Uint8Array[] = []
      let total = 0
      for await (const part of body) {
        total += part.length
        if (total > length) throw wrongLength(pack, total, length)
        parts.push(new Uint8Array(part))
      }
      if (total !== length) throw wrongLength(pack, total, length)
      const bytes = Buffer.concat(parts)
      if (hash('sha256', bytes) !== pack) throw wrongHash(pack)
      const name = `${vaultId}/${pack}`
      if (!packsByName.has(name)) usedBytes += length
      packsByName.set(name, bytes)
    },
    get: async (vaultId, pack, range) => {
      const bytes = packsByName.get(`${vaultId}/${pack}`)
      if (bytes === undefined) return null
      const part = range === null ? bytes : bytes.subarray(range.first, range.last + 1)
      return Readable.from(part.length === 0 ? [] : [part])
    },
    remove: async (vaultId, pack) => {
      usedBytes -= packsByName.get(`${vaultId}/${pack}`)?.length ?? 0
      packsByName.delete(`${vaultId}/${pack}`)
    },
    setAside: async (vaultId, pack) => void packsByName.delete(`${vaultId}/${pack}`),
    head: async (vaultId, pack) => packsByName.get(`${vaultId}/${pack}`)?.length ?? null,
  }
}
