/**
 * Answers over HTTP/2, read to their end. Node 26 gives an HTTP/2 stream up as broken when all of it had arrived before
 * somebody began to iterate over it: its `closed` is about the protocol, and the iterator takes it for "nothing more
 * comes out". A busy computer sees that now and then, and a line through a proxy each time. So streams get an iterator
 * here that waits for `end`.
 */
import { on } from 'node:events'
import type { ClientHttp2Stream } from 'node:http2'
import type { Http2SessionManager } from '@connectrpc/connect-node'

/** What Connect asks of sessions. */
type Sessions = Pick<Http2SessionManager, 'authority' | 'request' | 'notifyResponseByteRead'>

/** The same sessions, with streams that are read to their end. */
export const readWhole = (sessions: Sessions): Sessions => ({
  authority: sessions.authority,
  async request(...request) {
    const stream = await sessions.request(...request)
    return Object.defineProperty(stream, Symbol.asyncIterator, { value: () => bytesOf(stream) })
  },
  notifyResponseByteRead: (stream) => sessions.notifyResponseByteRead(stream),
})

/** Throws what the stream throws, or that it broke off. */
async function* bytesOf(stream: ClientHttp2Stream): AsyncGenerator<Uint8Array, void, undefined> {
  if (!stream.readableEnded) {
    for await (const _ of on(stream, 'readable', { close: ['end', 'close'] })) {
      for (;;) {
        const bytes: unknown = stream.read()
        if (!(bytes instanceof Uint8Array)) break
        yield bytes
      }
    }
  }
  // One that is reset ends like one that is whole.
  if (!stream.readableEnded || stream.rstCode !== 0) throw new Error('the stream broke off')
}
