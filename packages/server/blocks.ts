/**
 * A body as few large blocks instead of the thousands of small pieces that a TLS connection brings. Each piece is memory of
 * its own: left to the garbage collector, a pack brings as much of it as the whole heap holds, and all of that is looked
 * through every few megabytes. So a piece is given back as soon as it is copied, and one block is filled again and again.
 */

/** The block is the caller's until it asks for the next. Pieces that are all of their memory are empty afterwards. */
export async function* blocksOf(pieces: AsyncIterable<Uint8Array>, blockBytes: number): AsyncGenerator<Uint8Array> {
  const block = new Uint8Array(blockBytes)
  let filled = 0
  for await (const piece of pieces) {
    for (let taken = 0; taken < piece.length;) {
      const part = piece.subarray(taken, taken + blockBytes - filled)
      block.set(part, filled)
      taken += part.length
      filled += part.length
      if (filled < blockBytes) continue
      yield block
      filled = 0
    }
    giveBack(piece)
  }
  if (filled > 0) yield block.subarray(0, filled)
}

/** Empties a piece that nobody needs any more. What lies in one memory with something else stays. */
export const giveBack = ({ buffer, byteLength }: Uint8Array): void => {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0)
}
