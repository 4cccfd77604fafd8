/**
 * The daemon as a real process: one for each account, found by every command, ended in order or by force, and not to
 * be shaken by what others leave at its door.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { appendFileSync, existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { wireVersion } from '@anysync/cli/daemon/wire.ts'
import {
  daemonsOf,
  eventually,
  folderStatus,
  isAlive,
  killDaemon,
  pidOf,
  statusOf,
  untilState,
} from './support/daemon.ts'
import { newDevice, logIn, type TestDevice } from './support/device.ts'
import { linkBoth, makeHousehold, reportOf, sync, type SyncReport } from './support/household.ts'
import { assertDone, described, type Result } from './support/programs.ts'
import { makeScratch } from './support/scratch.ts'
import { stepsOf } from './support/steps.ts'
import { assertTrouble } from './support/trouble.ts'

type Started = { event: string; pid: number; log: string }

const begin = (device: TestDevice): Promise<Started> => device.json<Started>(['start'])

const socketOf = (device: TestDevice): string =>
  readFileSync(join(device.account(), 'daemon.pid'), 'utf8').split('\n')[1] ?? ''

/** Says something to the socket, and gives all that comes back until it hangs up. */
const tellSocket = async (path: string, bytes: string | Uint8Array): Promise<string> => {
  const socket = connect(path)
  let answer = ''
  socket.setEncoding('utf8').on('data', (text) => (answer += String(text)))
  // It may hang up while we still write.
  socket.on('error', () => undefined)
  socket.write(bytes)
  await once(socket, 'close')
  return answer
}

test('a daemon runs in the background and is found by every command', { timeout: 300_000 }, async (t) => {
  const step = stepsOf(t)
  using scratch = makeScratch('daemon')
  await using house = await makeHousehold(scratch)
  const { desk, laptop, deskFolder, laptopFolder, server, link, person } = house
  await using _daemons = daemonsOf(desk, laptop)
  writeFileSync(join(deskFolder, 'notes'), 'one\n')
  await linkBoth(house)
  const arrives = (name: string, content: string, folder = laptopFolder) =>
    eventually(
      () => (existsSync(join(folder, name)) ? readFileSync(join(folder, name), 'utf8') : null),
      (text) => text === content,
    )

  await step('start returns when it is ready, and a second one says that it runs', async () => {
    const { event, pid, log } = await begin(desk)
    assert.equal(event, 'started')
    assert.equal(pidOf(desk), pid)
    for (const file of [log, join(desk.account(), 'daemon.pid'), socketOf(desk)]) {
      assert.equal(statSync(file).mode & 0o777, 0o600, file)
    }
    assert.deepEqual(await desk.json(['start']), { event: 'running', pid, folders: 1 })
    const { stdout } = await desk.done(['start', '--foreground'])
    assert.match(stdout, new RegExp(`^anysync runs already, process ${pid}: following 1 folder\n$`))
    const both = await Promise.all([laptop.run(['start']), laptop.run(['start'])])
    for (const result of both) assertDone(result)
    const wording = both.map(({ stdout }) => /^(started|anysync runs already)/.exec(stdout)?.[1])
    assert.deepEqual(new Set(wording), new Set(['anysync runs already', 'started']))
  })

  await step('what changes on one device comes to the other, and both say that they are up to date', async () => {
    appendFileSync(join(deskFolder, 'notes'), 'two\n')
    await arrives('notes', 'one\ntwo\n')
    for (const device of [desk, laptop]) {
      const { watcher, server, areRootsSame, files } = await untilState(device, 'up-to-date')
      assert.deepEqual([watcher?.isHealthy, server?.isReached, areRootsSame, files], [true, true, true, 1])
    }
  })

  await step('sync asks the daemon for a turn and prints what it would itself', async () => {
    const { isSettled, isWhole } = reportOf(await desk.json(['sync'])) as SyncReport & { isWhole: boolean }
    assert.deepEqual([isSettled, isWhole], [true, true])
    const { stdout } = await desk.done(['sync'])
    assert.match(stdout, /— photos\n {2}nothing to do\n {2}in step at snapshot \d+\n$/)
    assert.match((await desk.done(['sync', '--dry-run'])).stdout, /— photos\n {2}nothing to do\n$/)
  })

  await step('while it is paused nothing travels, also after a restart, until it is resumed', async () => {
    await desk.done(['pause'])
    writeFileSync(join(deskFolder, 'later'), 'later')
    assert.equal((await folderStatus(desk)).state, 'paused')
    await desk.done(['stop'])
    await begin(desk)
    assert.equal((await untilState(desk, 'paused')).files, 1)
    const { state, reason } = await desk.json<{ state: string; reason: string }>(['status', join(deskFolder, 'later')])
    assert.equal(state, 'waiting')
    assert.match(reason, /paused: `anysync resume`/)
    assert.equal(existsSync(join(laptopFolder, 'later')), false)
    await desk.done(['resume'])
    await arrives('later', 'later')
    await untilState(desk, 'up-to-date')
  })

  await step('add and remove need no restart', async () => {
    const second = scratch.folder('second')
    writeFileSync(join(second, 'a'), 'a')
    await desk.done(['add', second, '--vault', 'second', '--create'])
    await eventually(
      () => statusOf(desk),
      ({ folders }) => folders.length === 2 && folders.every(({ state }) => state === 'up-to-date'),
    )
    await desk.done(['remove', second])
    assert.equal((await statusOf(desk)).folders.length, 1)
    writeFileSync(join(second, 'b'), 'b')
    assert.equal(existsSync(join(second, '.anysync')), false)
    assert.equal((await untilState(desk, 'up-to-date')).folder, deskFolder)
  })

  await step('the log tells what was done and why', async () => {
    type Log = { actions: { path: string; what: string; why: string }[] }
    const { actions } = await laptop.json<Log>(['log', join(laptopFolder, 'notes')])
    assert.deepEqual(
      actions.map(({ what, why }) => [what, why]),
      [
        ['pulled', 'changed on another device'],
        ['pulled', 'new on another device'],
      ],
    )
    const { stdout } = await laptop.done(['log', '--limit', '1'])
    assert.match(stdout, /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d {2}pulled {2}later: new on another device\n$/)
    assert.equal((await laptop.run(['log', '--limit', '0'])).exitCode, 2)
  })

  await step('garbage at its socket is refused, and shakes nothing', async () => {
    const path = socketOf(desk)
    const refused = /"is":"trouble".*"kind":"invalid"/
    assert.match(await tellSocket(path, 'GET / HTTP/1.1\r\n\r\n'), refused)
    assert.match(await tellSocket(path, `{"version":${wireVersion},"ask":"everything"}\n`), refused)
    assert.match(await tellSocket(path, `{"version":${wireVersion + 1},"ask":"stop"}\n`), refused)
    assert.match(await tellSocket(path, Buffer.alloc(70_000, 'x')), refused)
    assert.match(await tellSocket(path, Uint8Array.of(0xff, 0xfe, 0x0a)), refused)
    assert.match(
      await tellSocket(path, `{"version":${wireVersion},"ask":"turn","linkId":"none"}\n`),
      /"kind":"missing"/,
    )
    const gone = connect(path)
    gone.write(`{"version":${wireVersion},"ask":"status"}\n`, () => gone.destroy())
    await once(gone, 'close')
    assert.equal((await statusOf(desk)).daemon.state, 'running')
  })

  await step('killed, it is not there, and starts again over what it left behind', async () => {
    const left = socketOf(desk)
    await killDaemon(desk)
    assert.ok(existsSync(left))
    const { daemon, folders } = await statusOf(desk)
    assert.deepEqual([daemon.state, folders[0]?.state], ['none', 'in-step'])
    assertTrouble(await desk.run(['pause']), { exitCode: 1, says: /no daemon runs: start it with `anysync start`/ })
    assert.match((await desk.done(['stop'])).stdout, /^it was not running\n$/)
    await sync(desk)
    writeFileSync(join(deskFolder, 'after the kill'), 'x')
    await begin(desk)
    await arrives('after the kill', 'x')
  })

  await step('one that does not answer is named, and goes on when it is let', async () => {
    const pid = pidOf(desk) ?? assert.fail('no daemon')
    process.kill(pid, 'SIGSTOP')
    try {
      const silent = new RegExp(`the daemon \\(process ${pid}\\) does not answer`)
      const [paused, seen] = await Promise.all([desk.run(['pause']), desk.run(['status'])])
      assertTrouble(paused, { exitCode: 1, says: silent })
      assert.match(assertDone(seen).stdout, silent)
    } finally {
      process.kill(pid, 'SIGCONT')
    }
    await untilState(desk, 'up-to-date')
  })

  await step('stop waits until it has ended, and leaves nothing behind', async () => {
    const [pid, path] = [pidOf(desk) ?? assert.fail('no daemon'), socketOf(desk)]
    assert.match((await desk.done(['stop'])).stdout, /^stopped\n$/)
    assert.deepEqual([isAlive(pid), existsSync(path), pidOf(desk)], [false, false, null])
    await sync(desk)
  })

  await step('a home so deep that no socket fits in it has its socket elsewhere', async () => {
    const deep = scratch.folder(`${'deep '.repeat(20)}/${'home '.repeat(20)}`)
    const device = newDevice({ ...scratch, folder: () => deep }, 'deep')
    await using _daemon = daemonsOf(device)
    assertDone(await logIn(device, link, person))
    await begin(device)
    assert.ok(Buffer.byteLength(socketOf(device)) <= 100)
    assert.equal((await statusOf(device)).daemon.state, 'running')
    await device.done(['stop'])
    assert.equal(existsSync(socketOf(laptop)), true)
  })

  await step('a home that is moved away ends it', async () => {
    const pid = pidOf(laptop) ?? assert.fail('no daemon')
    renameSync(laptop.account(), `${laptop.home} of before`)
    await eventually(
      () => isAlive(pid),
      (alive) => !alive,
    )
    mkdirSync(join(laptop.home, 'accounts'), { recursive: true })
    renameSync(`${laptop.home} of before`, join(laptop.home, 'accounts', pathOfAccount(desk)))
  })

  await step('what keeps it from starting is said', async () => {
    const socket = join(desk.account(), 'daemon.sock')
    mkdirSync(join(socket, 'in the way'), { recursive: true })
    assertTrouble(await desk.run(['start']), { exitCode: 1, says: /daemon\.sock cannot be removed/ })
    assert.equal(pidOf(desk), null)
    renameSync(socket, `${socket} away`)
  })

  await step('no key, name or path is in its log', async () => {
    await begin(desk)
    await server.kill()
    await untilState(desk, 'offline')
    await desk.done(['stop'])
    const log = readFileSync(join(desk.account(), 'daemon.log'), 'utf8')
    assert.match(log, /"message":"started"/)
    for (const word of ['notes', 'photos', `${deskFolder}/`, person.email]) assert.ok(!log.includes(word), word)
  })
})

const pathOfAccount = (device: TestDevice): string => device.account().split('/').at(-1) ?? ''

test('a socket on which something else listens is no daemon of ours', { timeout: 60_000 }, async () => {
  using scratch = makeScratch('stranger-socket')
  await using house = await makeHousehold(scratch)
  const { desk } = house
  const path = join(desk.account(), 'daemon.sock')
  const stranger = createServer((socket) => socket.end('hello, this is something else\n'))
  stranger.listen(path)
  await once(stranger, 'listening')
  try {
    const result: Result = await desk.run(['pause'])
    assertTrouble(result, { exitCode: 1, says: /another version of AnySync/ })
    assert.doesNotMatch(result.stderr, /this is something else/, described(result))
  } finally {
    stranger.close()
  }
})
