/**
 * Ids of new nodes: nodes that are made together lie together in the state's indexes, where by chance alone every row
 * would touch a page of its own.
 */
import { nodeIdFromBytes, type NodeId } from '@anysync/protocol/ids.ts'
import { idBytes } from '@anysync/protocol/limits.ts'
import type { Chance, Clock } from './ports.ts'

/** Milliseconds since 1970, big-endian. */
const timeBytes = 6

/** An id that no other node has: by its bytes after those of earlier milliseconds. UUID version 7 (RFC 9562, 5.7). */
export const newNodeId = (chance: Chance, clock: Pick<Clock, 'nowNs'>): NodeId => {
  const bytes = chance.bytes(idBytes)
  let rest = Number(clock.nowNs() / 1_000_000n)
  for (let at = timeBytes - 1; at >= 0; at--) {
    bytes[at] = rest % 256
    rest = Math.floor(rest / 256)
  }
  const [version = 0, , variant = 0] = bytes.subarray(timeBytes)
  bytes[timeBytes] = 0x70 | (version & 0x0f)
  bytes[timeBytes + 2] = 0x80 | (variant & 0x3f)
  return nodeIdFromBytes(bytes)
}
