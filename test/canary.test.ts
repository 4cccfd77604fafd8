/**
 * Secrets with recognisable bytes are let loose in the whole system, and then everything that the server stores,
 * receives, answers and logs, and everything that the client says, is searched for them in every dress.
 *
 * What the threat model admits, and this test therefore allows, is only this:
 *   - the server is told and keeps the e-mail and the name of each device;
 *   - a device's token is in the Authorization header of that device's calls, and nowhere else;
 *   - the invitation's token is in the one call that uses it;
 *   - the client's own output may name what the person typed or asked to be listed: paths and vaults.
 */
import assert from 'node:assert/strict'
import { hash, randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { searchFor, type Canary } from './support/canaries.ts'
import { logIn, newDevice, signUp } from './support/device.ts'
import { sync, syncAll } from './support/household.ts'
import { listenInTheMiddle, type Recorded } from './support/man-in-the-middle.ts'
import { assertDone, type Result } from './support/programs.ts'
import { makeScratch } from './support/scratch.ts'
import { accountSecrets, deviceSecrets } from './support/secrets.ts'
import { filesBelow, startServer } from './support/server.ts'

const word = (what: string): string => `canary-${what}-${randomBytes(12).toString('base64url')}`
const canary = (name: string, text: string): Canary => ({ name, bytes: Buffer.from(text) })

test('the search finds a secret in every dress', () => {
  const secret = randomBytes(32)
  const text = 'a "quoted" Canary with ä and spaces'
  const search = searchFor([
    { name: 'key', bytes: secret },
    { name: 'text', bytes: Buffer.from(text) },
  ])
  const dressed: (Buffer | string)[] = [
    secret,
    secret.toString('hex'),
    secret.toString('hex').toUpperCase(),
    ...[0, 1, 2].flatMap((offset) => {
      const within = Buffer.concat([randomBytes(offset), secret, randomBytes(5)])
      return [within.toString('base64'), within.toString('base64url')]
    }),
    JSON.stringify([...secret]),
    text,
    Buffer.from(text, 'utf16le'),
    text.toUpperCase(),
    encodeURIComponent(text),
    JSON.stringify({ text }),
  ]
  for (const bytes of dressed) {
    assert.notDeepEqual(search.inBytes(Buffer.concat([randomBytes(99), Buffer.from(bytes)]), 'here'), [], String(bytes))
  }
  assert.deepEqual(search.inBytes(randomBytes(100_000), 'noise'), [])
})

test('no secret is in what the server stores, receives or says, nor in what the client says', async (t) => {
  const password = word('password')
  const person = { email: `${word('e-mail')}@example.org`.toLowerCase(), password }
  const wrongPassword = word('wrong-password')
  const vault = word('vault')
  const names = ['file', 'folder', 'symlink', 'target', 'renamed', 'root'].map((what) => [what, word(what)] as const)
  const nameOf = Object.fromEntries(names) as Record<
    'file' | 'folder' | 'symlink' | 'target' | 'renamed' | 'root',
    string
  >
  const text = word('text')
  const noise = randomBytes(1_000_000)

  using scratch = makeScratch('canary')
  await using server = await startServer(scratch, { settings: 'log = "debug"' })
  await using middle = await listenInTheMiddle(server.home, server.port())
  const results: Result[] = []
  const onResult = (result: Result) => void results.push(result)
  const [desk, laptop] = [newDevice(scratch, word('desk'), onResult), newDevice(scratch, word('laptop'), onResult)]
  const roots = [scratch.folder(`${nameOf.root}-1`), scratch.folder(`${nameOf.root}-2`)] as const
  const invitation = await server.invite()
  const link = invitation.replace(server.url(), middle.url)
  const [, token = ''] = /#i=([\w-]+)/.exec(invitation) ?? []

  // The whole life of an account, and its troubles.
  mkdirSync(join(roots[0], nameOf.folder))
  writeFileSync(join(roots[0], nameOf.folder, nameOf.file), `${text}\n`.repeat(3))
  writeFileSync(join(roots[0], 'noise'), noise)
  symlinkSync(nameOf.target, join(roots[0], nameOf.symlink))
  assertDone(await signUp(desk, link, person))
  await desk.done(['add', roots[0], '--vault', vault, '--create'])
  await sync(desk)
  assert.equal((await logIn(laptop, link, { ...person, password: wrongPassword })).exitCode, 1)
  assert.equal((await logIn(laptop, link, { email: word('nobody') + '@example.org', password })).exitCode, 1)
  assertDone(await logIn(laptop, link, person))
  await laptop.done(['add', roots[1], '--vault', vault])
  await sync(laptop)
  assert.ok(readFileSync(join(roots[1], 'noise')).equals(noise))
  writeFileSync(join(roots[1], nameOf.folder, nameOf.renamed), text)
  writeFileSync(join(roots[0], nameOf.folder, nameOf.file), `${text} of the desk`)
  writeFileSync(join(roots[1], nameOf.folder, nameOf.file), `${text} of the laptop`)
  await syncAll(desk, laptop)
  for (const words of [
    ['whoami'],
    ['status'],
    ['snapshots'],
    ['versions', join(roots[0], 'noise')],
    ['vault', 'list'],
  ]) {
    await desk.done(words)
    await desk.json(words)
  }
  await desk.done(['ls', roots[0]])
  await desk.done(['restore', join(roots[0], nameOf.folder), '--to', scratch.folder('restored')])
  for (const words of [
    ['add', roots[0], '--vault', word('absent')],
    ['restore', '/nowhere', '--to', '/nowhere/else'],
    ['nonsense'],
  ]) {
    assert.notEqual((await desk.run(words)).exitCode, 0)
  }

  const secrets = await accountSecrets(desk, password, server)
  const devices = [desk, laptop].map(deviceSecrets)
  await server.stop()
  assertUnreachable(await desk.run(['sync']))
  await server.start()
  await laptop.done(['logout'])

  const keys: Canary[] = [
    ...secrets,
    ...devices.map(({ seed }) => seed),
    canary('the wrong password', wrongPassword),
    canary('the text of a file', text),
    { name: 'the noise of a file', bytes: noise.subarray(500_000, 500_064) },
    { name: 'the beginning of the noise', bytes: noise.subarray(0, 64) },
    { name: "a file's SHA-256", bytes: Buffer.from(hash('sha256', noise), 'hex') },
  ]
  const plainNames = [canary('the vault', vault), ...names.map(([what, name]) => canary(`the name of a ${what}`, name))]
  const tokens = devices.map(({ token }) => token)
  const invited = { name: 'the invitation', bytes: Buffer.from(token, 'base64url') }
  const admitted = [canary('the e-mail', person.email), ...[desk, laptop].map(({ name }) => canary('a device', name))]

  await t.test('the server stores none of it', () => {
    const found = searchFor([...keys, ...plainNames, ...tokens, invited]).inFolder(server.home)
    assert.deepEqual(found, [])
    assert.notDeepEqual(searchFor(admitted).inFolder(server.home), [], 'the search must find what is admitted')
  })

  await t.test('the server stores nothing that is merely compressed', () => {
    const zstdMagic = Buffer.from('28b52ffd', 'hex')
    const packs = filesBelow(join(server.home, 'objects'))
    assert.ok(packs.length > 0)
    for (const pack of packs) assert.ok(!readFileSync(pack).includes(zstdMagic), `${pack} holds a zstd frame`)
  })

  await t.test('the server receives and answers none of it', () => {
    const { calls } = middle
    assert.ok(calls.length > 20, `${calls.length} calls went by`)
    const never = searchFor([...keys, ...plainNames])
    assert.deepEqual(
      calls.flatMap((call) => never.inBytes(wholeOf(call), call.route)),
      [],
    )
    for (const { route, requestHeaders, answerHeaders } of calls) {
      assert.doesNotMatch(
        requestHeaders + answerHeaders,
        /^(content|connect-content|grpc)-encoding: (?!identity)/m,
        route,
      )
    }
  })

  await t.test(
    "a device's token is in its Authorization header alone, and an invitation in the one call that uses it",
    () => {
      const { calls } = middle
      const bare = calls.map((call) => ({
        ...call,
        requestHeaders: call.requestHeaders
          .split('\n')
          .filter((line) => !isBearer(line))
          .join('\n'),
      }))
      const search = searchFor(tokens)
      assert.deepEqual(
        bare.flatMap((call) => search.inBytes(wholeOf(call), call.route)),
        [],
      )
      assert.notDeepEqual(
        calls.flatMap((call) => search.inBytes(wholeOf(call), call.route)),
        [],
        'tokens must be found',
      )
      const using = calls.filter((call) => searchFor([invited]).inBytes(wholeOf(call), '').length > 0)
      assert.deepEqual(
        using.map(({ route }) => route),
        ['POST /anysync.v1.Account/SignUp'],
      )
    },
  )

  await t.test('the server logs none of it, nor what is admitted elsewhere', () => {
    const log = server.written()
    assert.match(log, /"route":/, 'the log is on')
    assert.deepEqual(searchFor([...keys, ...plainNames, ...tokens, invited, ...admitted]).inBytes(log, 'the log'), [])
  })

  await t.test('the client says none of it', () => {
    const search = searchFor([...keys, ...tokens, invited])
    const found = results.flatMap(({ command, stdout, stderr }) => search.inBytes(stdout + stderr, command))
    assert.deepEqual(found, [])
  })
})

const isBearer = (line: string): boolean => /^authorization: Bearer [\w-]{43}$/i.test(line)

const wholeOf = ({ route, requestHeaders, request, answerHeaders, answer }: Recorded): Buffer =>
  Buffer.concat([Buffer.from(route), Buffer.from(requestHeaders), request, Buffer.from(answerHeaders), answer])

/** The man in the middle answers for a server that is gone by hanging up. */
const assertUnreachable = ({ exitCode, stderr }: Result): void => {
  assert.equal(exitCode, 1)
  assert.match(stderr, /^anysync: [^\n]+\n$/)
}
