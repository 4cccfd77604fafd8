/**
 * Sends a stream as an answer, and gives each piece of it back when it is on its way: a range of a pack is as much memory as
 * the server's whole heap, and left to the garbage collector it has all of that looked through.
 */
import type { Readable } from 'node:stream'
import type { FastifyReply } from 'fastify'
import { giveBack } from './blocks.ts'

/**
 * Pieces are memory of their own, `length` bytes together. The status and the headers are those of the reply, this length
 * among them. Where the stream fails, or ends before, the connection is cut, for half is no answer.
 */
export const sendPieces = async (reply: FastifyReply, stream: Readable, length: number): Promise<void> => {
  reply.hijack()
  const { raw } = reply
  // A caller who is gone takes nothing more, and may leave no word of it.
  const gone = new Promise<'gone'>((resolve) => void raw.once('close', () => resolve('gone')))
  // The loop throws what fails; a stream that it leaves before the end calls that a failure as well.
  stream.on('error', () => undefined)
  let left = length
  try {
    raw.statusCode = reply.statusCode
    for (const [name, value] of Object.entries(reply.getHeaders())) if (value !== undefined) raw.setHeader(name, value)
    for await (const piece of stream) {
      if (!(piece instanceof Uint8Array)) throw new TypeError('a stream of bytes gives bytes')
      left -= piece.length
      const sent = new Promise<'sent' | 'gone'>((resolve) => {
        raw.write(piece, (error) => resolve(error ? 'gone' : 'sent'))
      })
      if (raw.destroyed || (await Promise.race([sent, gone])) === 'gone') return
      giveBack(piece)
    }
    if (left === 0) raw.end()
    else raw.destroy()
  } catch (error) {
    // It may have failed before the loop began.
    stream.destroy()
    raw.destroy()
    throw error
  }
}
