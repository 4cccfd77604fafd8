/** What arrives of a stream that is whole, breaks off or fails, and what becomes of it when nobody listens any more. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'
import { test, type TestContext } from 'node:test'
import { fastify } from 'fastify'
import { sendPieces } from './send-pieces.ts'

const pieceBytes = 64 * 1024
const pieces = Array.from({ length: 50 }, () => randomBytes(pieceBytes))
const whole = Buffer.concat(pieces)

/** Answers with this stream, announced with so many bytes. */
const answering = async (t: TestContext, stream: Readable, length = whole.length): Promise<IncomingMessage> => {
  const app = fastify()
  app.get('/', (_request, reply) =>
    sendPieces(reply.code(206).headers({ 'content-length': length, 'x-what': 'a range' }), stream, length),
  )
  t.after(() => app.close())
  const [answer] = (await once(get(`${await app.listen({ port: 0, host: '127.0.0.1' })}/`), 'response')) as [
    IncomingMessage,
  ]
  return answer
}

/** Memory of their own, as the disk gives it. */
const fresh = function* (count = pieces.length): Generator<Uint8Array> {
  for (const piece of pieces.slice(0, count)) yield new Uint8Array(piece)
}

test('a whole stream arrives with status and headers, and its pieces are given back', async (t) => {
  const given: Uint8Array[] = []
  const stream = Readable.from(
    (function* () {
      for (const piece of fresh()) {
        given.push(piece)
        yield piece
      }
    })(),
  )
  const answer = await answering(t, stream)
  const { 'content-length': length, 'x-what': what } = answer.headers
  assert.deepEqual([answer.statusCode, length, what], [206, String(whole.length), 'a range'])
  assert.deepEqual(Buffer.concat(await answer.toArray()), whole)
  assert.ok(given.every(({ length }) => length === 0))
})

test('nothing is an answer as well', async (t) => {
  const answer = await answering(t, Readable.from([]), 0)
  assert.deepEqual([answer.statusCode, (await answer.toArray()).length], [206, 0])
})

for (const { what, stream } of [
  { what: 'ends too early', stream: () => Readable.from(fresh(10)) },
  {
    what: 'fails',
    stream: () =>
      Readable.from(
        (function* () {
          yield* fresh(10)
          throw new Error('the disk failed')
        })(),
      ),
  },
]) {
  test(`a stream that ${what} cuts the line`, async (t) => {
    const answer = await answering(t, stream())
    await assert.rejects(answer.toArray(), { code: 'ECONNRESET' })
  })
}

test('a caller who goes away ends the stream', async (t) => {
  // More than any buffer on the way holds, and it ends only when it is ended.
  const endless = Readable.from(
    (function* () {
      for (;;) yield* fresh()
    })(),
  )
  const closed = new Promise<void>((resolve) => void endless.once('close', resolve))
  const answer = await answering(t, endless, Number.MAX_SAFE_INTEGER)
  await once(answer, 'data')
  answer.destroy()
  await closed
})
