/**
 * Ids of new nodes: nodes that are made together lie together in the state's indexes, where by chance alone every row
 * would touch a page of its own.
 */
import { nodeIdFromBytes, type NodeId } from '@anysync/protocol/ids.ts'
import { idBytes } from '@anysync/protocol/limits.ts'
import type { Chance, Clock } from './ports.ts'

/** An id that no other node has: by its bytes after those of earlier milliseconds. UUID version 7 (RFC 9562, 5.7). */
export const newNodeId = (chance: Chance, clock: Pick<Clock, 'nowNs'>): NodeId => {
  const bytes = chance.bytes(idBytes)
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  const timeMs = clock.nowNs() / 1_000_000n
  view.setUint32(0, Number(BigInt.asUintN(32, timeMs >> 16n)))
  view.setUint16(4, Number(BigInt.asUintN(16, timeMs)))
  view.setUint16(6, 0x7000 | (view.getUint16(6) & 0x0fff))
  view.setUint8(8, 0x80 | (view.getUint8(8) & 0x3f))
  return nodeIdFromBytes(bytes)
}
