import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer as createTcpServer, type AddressInfo } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { createServer, type Server, type TLSSocket } from 'node:tls'
import { isTrouble, type Kind } from '@anysync/protocol/errors.ts'
import { newCertificate, type TestCertificate } from './certificates.suite.ts'
import { dial, learnTrust } from './dial.ts'
import { formatFingerprint, type ServerAddress } from './link.ts'
import { networkTrouble } from './network-trouble.ts'
import { fingerprintOf, learnCertificate, pinnedCertificate, trustedFingerprint, trustOf, type Trust } from './pin.ts'
import { openRemote } from './remote.ts'

const fails =
  (kind: Kind, ...words: string[]) =>
  (error: unknown) => {
    assert(isTrouble(error, kind), `wanted ${kind}, got ${String(error)}`)
    for (const word of words) assert(error.message.includes(word), `'${word}' is missing in: ${error.message}`)
    return true
  }

const connect = async (server: ServerAddress, trust: Trust): Promise<TLSSocket> => {
  const socket = dial(server, trust, 'h2', null)
  try {
    await once(socket, 'secureConnect')
  } catch (error) {
    throw networkTrouble('test', server, error)
  } finally {
    socket.destroy()
  }
  return socket
}

const callWith = async (server: ServerAddress, trust: Trust, call: 'rpc' | 'pack'): Promise<unknown> => {
  await using remote = openRemote(server, trust, new Uint8Array(32), { pause: async () => {} })
  const id = '00'.repeat(16) as Parameters<typeof remote.packLength>[0]
  const pack = '00'.repeat(32) as Parameters<typeof remote.packLength>[1]
  return await (call === 'rpc' ? remote.whoAmI() : remote.packLength(id, pack))
}

describe('a certificate is checked before a byte is sent', () => {
  let own: TestCertificate
  let other: TestCertificate
  let root: TestCertificate
  let issued: TestCertificate
  const servers: Server[] = []
  let bytesReceived = 0

  const serve = async ({ cert, key }: TestCertificate): Promise<ServerAddress> => {
    const server = createServer({ cert, key, ALPNProtocols: ['h2', 'http/1.1'] }, (socket) => {
      socket.on('data', (bytes: Buffer) => (bytesReceived += bytes.length))
      socket.on('error', () => {})
    })
    server.on('tlsClientError', () => {})
    servers.push(server.listen(0, 'localhost'))
    await once(server, 'listening')
    return { host: 'localhost', port: (server.address() as AddressInfo).port }
  }

  before(async () => {
    own = await newCertificate({ host: 'localhost' })
    other = await newCertificate({ host: 'localhost' })
    root = await newCertificate({ host: 'The Root' })
    issued = await newCertificate({ host: 'localhost', issuer: root })
  })
  after(() => {
    for (const server of servers) server.close()
  })

  test('learning gives the certificate that has the fingerprint, and sends nothing', async () => {
    const { host, port } = await serve(own)
    bytesReceived = 0
    const learned = await learnCertificate({ host, port }, fingerprintOf(own.der), null)
    assert.deepEqual(learned, own.der)
    assert.equal(bytesReceived, 0)
  })

  test('learning stops at another certificate, names both fingerprints, and sends nothing', async () => {
    const { host, port } = await serve(other)
    bytesReceived = 0
    const names = [own, other].map(({ der }) => formatFingerprint(fingerprintOf(der)))
    await assert.rejects(
      learnCertificate({ host, port }, fingerprintOf(own.der), null),
      fails('corrupt', `localhost:${port}`, 'nothing was sent', ...names),
    )
    assert.equal(bytesReceived, 0)
  })

  test('a pinned connection opens to its certificate, self-signed or issued by anyone, under any name', async () => {
    await connect(await serve(own), { kind: 'pinned', certificate: own.der })
    await connect(await serve(issued), { kind: 'pinned', certificate: issued.der })
    const elsewhere = await newCertificate({ host: 'elsewhere.example' })
    const { port } = await serve(elsewhere)
    await connect({ host: 'localhost', port }, { kind: 'pinned', certificate: elsewhere.der })
  })

  test('a pinned connection refuses every other certificate before anything is sent', async () => {
    const sibling = await newCertificate({ host: 'localhost', issuer: root })
    const cases: [shown: TestCertificate, pinned: TestCertificate][] = [
      [other, own],
      [issued, own],
      [sibling, issued],
      // Signed by the pinned one: good for a chain, but it is another certificate.
      [issued, root],
    ]
    bytesReceived = 0
    for (const [shown, pinned] of cases) {
      const server = await serve(shown)
      const trust: Trust = { kind: 'pinned', certificate: pinned.der }
      const wanted = formatFingerprint(fingerprintOf(pinned.der))
      const got = formatFingerprint(fingerprintOf(shown.der))
      const refused = fails('corrupt', `localhost:${server.port}`, wanted, got, 'nothing was sent')
      await assert.rejects(connect(server, trust), refused)
      await assert.rejects(callWith(server, trust, 'rpc'), refused)
      await assert.rejects(callWith(server, trust, 'pack'), refused)
    }
    assert.equal(bytesReceived, 0)
  })

  test('no variable of the environment turns verification off', async () => {
    const server = await serve(other)
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0'
    try {
      await assert.rejects(connect(server, { kind: 'pinned', certificate: own.der }), fails('corrupt'))
    } finally {
      delete process.env['NODE_TLS_REJECT_UNAUTHORIZED']
    }
  })

  test('an expired certificate is refused with its reason, even when it is the pinned one', async () => {
    const expired = await newCertificate({ host: 'localhost', days: -1 })
    const server = await serve(expired)
    const trust: Trust = { kind: 'pinned', certificate: expired.der }
    await assert.rejects(connect(server, trust), fails('corrupt', 'CERT_HAS_EXPIRED', 'nothing was sent'))
  })

  test('without a pin the certificate must be publicly trusted, and for that name', async () => {
    const server = await serve(issued)
    const roots = [root.cert]
    const trust = await learnTrust(server, null, { roots })
    assert.deepEqual(trustedFingerprint(trust), fingerprintOf(issued.der))
    await connect(server, trust)

    await assert.rejects(learnTrust(server, null), fails('corrupt', 'nothing was sent'))
    const elsewhere = await serve(await newCertificate({ host: 'elsewhere.example', issuer: root }))
    await assert.rejects(learnTrust(elsewhere, null, { roots }), fails('corrupt', 'ERR_TLS_CERT_ALTNAME_INVALID'))
  })

  test('a login at a public server goes to the certificate that it signs and to no other', async () => {
    const trust = await learnTrust(await serve(issued), null, { roots: [root.cert] })
    const sibling = await newCertificate({ host: 'localhost', issuer: root })
    await assert.rejects(connect(await serve(sibling), trust), fails('corrupt', 'nothing was sent'))
  })

  test('access.keys keeps a pinned certificate, and nothing for a public one', () => {
    const pinned: Trust = { kind: 'pinned', certificate: own.der }
    assert.deepEqual(trustOf(pinnedCertificate(pinned)), pinned)
    const { kind } = trustOf(pinnedCertificate({ kind: 'public', roots: [], fingerprint: null }))
    assert.equal(kind, 'public')
  })

  test('a server that is not there, or no TLS server, is unavailable and named', async () => {
    const tcp = createTcpServer((socket) => {
      socket.on('error', () => {}).resume()
      socket.end('220 mail.example ESMTP\r\n')
    }).listen(0, 'localhost')
    await once(tcp, 'listening')
    const { port } = tcp.address() as AddressInfo
    const pinned: Trust = { kind: 'pinned', certificate: own.der }
    await assert.rejects(
      learnCertificate({ host: 'localhost', port }, fingerprintOf(own.der), null),
      fails('unavailable', `:${port}`),
    )
    await assert.rejects(callWith({ host: 'localhost', port }, pinned, 'rpc'), fails('unavailable', `:${port}`))
    await assert.rejects(callWith({ host: 'localhost', port }, pinned, 'pack'), fails('unavailable', `:${port}`))
    tcp.close()
    await once(tcp, 'close')
    await assert.rejects(
      learnCertificate({ host: 'localhost', port }, fingerprintOf(own.der), null),
      fails('unavailable', `nothing answers at localhost:${port}`),
    )
    await assert.rejects(
      callWith({ host: 'localhost', port }, pinned, 'rpc'),
      fails('unavailable', `nothing answers at localhost:${port}`),
    )
    await assert.rejects(
      callWith({ host: 'localhost', port }, pinned, 'pack'),
      fails('unavailable', `nothing answers at localhost:${port}`),
    )
  })
})
