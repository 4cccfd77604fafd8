/**
 * Ids of new nodes: nodes that are made together lie together in the state's indexes, where by chance alone every row
 * would touch a page of its own.
 */
import { nodeIdFromBytes, type NodeId } from '@anysync/protocol/ids.ts'
import { idBytes } from '@anysync/protocol/limits.ts'
import { u64 } from '../crypto/bytes.ts'
import type { Chance, Clock } from '../ports.ts'

/** An id that no other node has: by its bytes after those of earlier milliseconds. UUID version 7 (RFC 9562, 5.7). */
export const newNodeId = (chance: Chance, clock: Pick<Clock, 'nowNs'>): NodeId => {
  const time = u64(clock.nowNs() / 1_000_000n).subarray(2)
  const bytes = chance.bytes(idBytes)
  bytes.set(time)
  bytes[6] = 0x70 | ((bytes[6] ?? 0) & 0x0f)
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f)
  return nodeIdFromBytes(bytes)
}
