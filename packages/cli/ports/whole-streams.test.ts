import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type ClientHttp2Stream, type ServerHttp2Stream } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import { readWhole } from './whole-streams.ts'

/** A stream whose answer is made by this, and the server's side of it. */
const ask = async (t: TestContext, answer: (stream: ServerHttp2Stream) => void): Promise<ClientHttp2Stream> => {
  const server = createServer().listen(0, 'localhost')
  await once(server, 'listening')
  server.on('stream', (stream: ServerHttp2Stream) => {
    stream.on('error', () => undefined)
    stream.respond()
    answer(stream)
  })
  const authority = `http://localhost:${(server.address() as AddressInfo).port}`
  const session = connect(authority)
  t.after(() => {
    session.destroy()
    server.close()
  })
  const sessions = readWhole({
    authority,
    request: (method, path, headers, options) =>
      Promise.resolve(session.request({ ...headers, ':method': method, ':path': path }, options)),
    notifyResponseByteRead: () => undefined,
  })
  const stream = await sessions.request('GET', '/', {}, {})
  stream.end()
  return stream
}

const read = async (stream: ClientHttp2Stream): Promise<Buffer> => {
  const parts: Buffer[] = []
  for await (const part of stream) parts.push(part)
  return Buffer.concat(parts)
}

test('an answer that has arrived to its end before it is read comes whole', async (t) => {
  const stream = await ask(t, (stream) => void stream.end('all of it'))
  while (!stream.closed) await new Promise((resolve) => setImmediate(resolve))
  assert.equal(String(await read(stream)), 'all of it')
})

test('an empty answer, and one of many parts, come whole', async (t) => {
  assert.equal((await read(await ask(t, (stream) => void stream.end()))).length, 0)
  const bytes = Buffer.alloc(3_000_000, 'many parts')
  assert.equal(Buffer.compare(await read(await ask(t, (stream) => void stream.end(bytes))), bytes), 0)
})

test('an answer that breaks off is not taken for a whole one', async (t) => {
  const breaks: ((stream: ServerHttp2Stream) => unknown)[] = [
    (stream) => stream.destroy(new Error('the server fails')),
    (stream) => stream.session?.destroy(),
  ]
  for (const breakOff of breaks) {
    const stream = await ask(t, (stream) => void stream.write('a part', () => breakOff(stream)))
    stream.on('error', () => undefined)
    await assert.rejects(read(stream))
  }
})
