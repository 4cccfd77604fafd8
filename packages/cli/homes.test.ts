import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { Worker } from 'node:worker_threads'
import { create } from '@bufbuild/protobuf'
import { isTrouble, type Kind } from '@anysync/protocol/errors.ts'
import { AccessKeysSchema, type AccessKeys } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { idToBytes, userIdFromBytes, type UserId } from '@anysync/protocol/ids.ts'
import {
  accountHome,
  homeFolder,
  listAccounts,
  lockAccount,
  pickAccount,
  readAccessKeys,
  readMasterKeys,
  removeAccessKeys,
  saveAccessKeys,
  saveMasterKeys,
  type AccountHome,
} from './homes.ts'
import { nodeChance } from './ports/chance.ts'

const newHome = (t: TestContext): string => {
  const folder = mkdtempSync(join(tmpdir(), 'anysync-home-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return join(folder, 'home')
}

const newUserId = (): UserId => userIdFromBytes(nodeChance.bytes(16))

const keysOf = (userId: UserId, email: string, serverUrl = 'https://nas.local:65065'): AccessKeys => {
  const deviceId = nodeChance.bytes(16)
  return create(AccessKeysSchema, {
    version: 1,
    serverUrl,
    email,
    userId: idToBytes(userId),
    deviceId,
    deviceName: 'desk',
    deviceToken: nodeChance.bytes(32),
    signingSeed: nodeChance.bytes(32),
    deviceCertificate: {
      deviceId,
      devicePublicKey: nodeChance.bytes(32),
      identityPublicKey: nodeChance.bytes(32),
      issuedNs: 1n,
      signature: nodeChance.bytes(64),
    },
    fileKey: nodeChance.bytes(32),
  })
}

const signIn = (home: string, email: string, serverUrl?: string): AccountHome => {
  const account = accountHome(home, newUserId())
  saveAccessKeys(account, keysOf(account.userId, email, serverUrl))
  return account
}

const fails =
  (kind: Kind, ...words: string[]) =>
  (error: unknown) => {
    assert(isTrouble(error, kind), `wanted ${kind}, got ${String(error)}`)
    for (const word of words) assert(error.message.includes(word), `'${word}' is missing in: ${error.message}`)
    return true
  }

test('the home is the option, else ANYSYNC_HOME, else a folder of the person', (t) => {
  assert.equal(homeFolder('/a/b', { ANYSYNC_HOME: '/c' }), '/a/b')
  assert.equal(homeFolder('b', {}), join(process.cwd(), 'b'))
  assert.equal(homeFolder(undefined, { ANYSYNC_HOME: '/c' }), '/c')
  assert.equal(homeFolder(undefined, { ANYSYNC_HOME: '' }), join(homedir(), '.AnySync'))
  assert.throws(() => homeFolder('', {}), fails('invalid'))
  const home = process.env['HOME']
  process.env['HOME'] = ''
  t.after(() => {
    if (home === undefined) delete process.env['HOME']
    else process.env['HOME'] = home
  })
  assert.equal(homeFolder(undefined, {}), join(userInfo().homedir, '.AnySync'), 'never a folder of where one stands')
})

test('keys come back as they were saved, for the owner alone, with nothing left beside them', (t) => {
  const account = accountHome(newHome(t), newUserId())
  assert.equal(readMasterKeys(account), null)
  assert.equal(readAccessKeys(account), null)
  for (const masterKeys of [nodeChance.bytes(400), nodeChance.bytes(300)]) {
    saveMasterKeys(account, masterKeys)
    assert.deepEqual(readMasterKeys(account), masterKeys)
  }
  const keys = keysOf(account.userId, 'ann@example.org')
  saveAccessKeys(account, keys)
  assert.deepEqual(readAccessKeys(account), keys)
  assert.deepEqual(readdirSync(account.folder).sort(), ['access.keys', 'master.keys'])
  if (process.platform !== 'win32') {
    assert.equal(statSync(account.folder).mode & 0o777, 0o700)
    assert.equal(statSync(account.masterKeysFile).mode & 0o777, 0o600)
    assert.equal(statSync(account.accessKeysFile).mode & 0o777, 0o600)
  }
})

test('a file that a crash left half-written beside the keys changes nothing', (t) => {
  const account = accountHome(newHome(t), newUserId())
  const first = nodeChance.bytes(100)
  saveMasterKeys(account, first)
  writeFileSync(`${account.masterKeysFile}.new`, 'half', { mode: 0o644 })
  chmodSync(account.folder, 0o755)
  assert.deepEqual(readMasterKeys(account), first)
  const second = nodeChance.bytes(50)
  saveMasterKeys(account, second)
  assert.deepEqual(readMasterKeys(account), second)
  assert.equal(existsSync(`${account.masterKeysFile}.new`), false)
  if (process.platform !== 'win32') {
    assert.equal(statSync(account.masterKeysFile).mode & 0o777, 0o600)
    assert.equal(statSync(account.folder).mode & 0o777, 0o700)
  }
})

test('the accounts of a home are its folders that are named like one', (t) => {
  const home = newHome(t)
  assert.deepEqual(listAccounts(home), [])
  const accounts = [signIn(home, 'a@example.org'), signIn(home, 'b@example.org')]
  mkdirSync(join(home, 'accounts', 'something-else'))
  assert.deepEqual(new Set(listAccounts(home)), new Set(accounts))
})

test('a command works with the only account, or with the one that is named', (t) => {
  const home = newHome(t)
  assert.throws(() => pickAccount(home, undefined), fails('unauthorized', home, 'anysync login'))
  const ann = signIn(home, 'ann@example.org')
  assert.deepEqual(pickAccount(home, undefined).account, ann)
  assert.deepEqual(pickAccount(home, ' Ann@Example.org ').account, ann)
  assert.throws(() => pickAccount(home, 'bob@example.org'), fails('unauthorized', 'bob@example.org', 'ann@example.org'))

  const bob = signIn(home, 'bob@example.org')
  assert.throws(
    () => pickAccount(home, undefined),
    fails('invalid', 'ann@example.org', 'bob@example.org', '--account E-MAIL'),
  )
  assert.equal(pickAccount(home, 'bob@example.org').keys.email, 'bob@example.org')

  removeAccessKeys(bob)
  removeAccessKeys(bob)
  assert.deepEqual(pickAccount(home, undefined).account, ann)
})

test('one e-mail at two servers is not guessed at', (t) => {
  const home = newHome(t)
  signIn(home, 'ann@example.org', 'https://one:1')
  signIn(home, 'ann@example.org', 'https://two:2')
  assert.throws(() => pickAccount(home, 'ann@example.org'), fails('invalid', 'https://one:1', 'https://two:2'))
})

test('damaged keys are named, and do not stand in the way of another account that is named', (t) => {
  const home = newHome(t)
  const ann = signIn(home, 'ann@example.org')
  const broken = accountHome(home, newUserId())
  mkdirSync(broken.folder, { recursive: true })
  for (const bytes of [nodeChance.bytes(50), new Uint8Array(), new Uint8Array(1_000_000)]) {
    writeFileSync(broken.accessKeysFile, bytes)
    assert.throws(() => readAccessKeys(broken), fails('corrupt', broken.accessKeysFile))
    assert.throws(() => pickAccount(home, undefined), fails('corrupt', broken.accessKeysFile))
    assert.throws(() => pickAccount(home, 'bob@example.org'), fails('corrupt', broken.accessKeysFile))
    assert.deepEqual(pickAccount(home, 'ann@example.org').account, ann)
  }
  saveAccessKeys(broken, keysOf(ann.userId, 'bob@example.org'))
  assert.throws(() => readAccessKeys(broken), fails('corrupt', 'another account'))
})

test('a home that cannot be made is unavailable and named', (t) => {
  const home = newHome(t)
  writeFileSync(home, 'a file')
  assert.throws(
    () => saveMasterKeys(accountHome(home, newUserId()), nodeChance.bytes(10)),
    (error: unknown) => {
      assert(error instanceof Error && error.message.includes(home))
      return isTrouble(error, 'conflict')
    },
  )
})

test('one process at a time works with an account', (t) => {
  const home = newHome(t)
  const account = accountHome(home, newUserId())
  const lock = lockAccount(account)
  assert.throws(() => lockAccount(account), fails('unavailable', 'another anysync'))
  using _other = lockAccount(accountHome(home, newUserId()))
  lock[Symbol.dispose]()
  lock[Symbol.dispose]()
  using _again = lockAccount(account)
})

test('a lock is given back when its process is killed', async (t) => {
  const account = accountHome(newHome(t), newUserId())
  const script = `
    import { lockAccount } from ${JSON.stringify(import.meta.resolve('./homes.ts'))}
    globalThis.lock = lockAccount(${JSON.stringify(account)})
    process.stdout.write('locked')
    setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(child.stdout, 'data')
  assert.throws(() => lockAccount(account), fails('unavailable', 'another anysync'))
  child.kill('SIGKILL')
  await once(child, 'exit')
  lockAccount(account)[Symbol.dispose]()
})

test('of two that want an account at the same moment one gets it', async (t) => {
  const account = accountHome(newHome(t), newUserId())
  const races = 200
  // How many have come to the next race, which race runs, and how often each was won.
  const shared = new Int32Array(new SharedArrayBuffer((2 + races) * 4))
  const script = `
    const { workerData: shared } = require('node:worker_threads')
    const meet = (race) => {
      if (Atomics.add(shared, 0, 1) + 1 === 2 * race) {
        Atomics.store(shared, 1, race)
        Atomics.notify(shared, 1)
      } else while (Atomics.load(shared, 1) < race) Atomics.wait(shared, 1, race - 1)
    }
    import(${JSON.stringify(import.meta.resolve('./homes.ts'))}).then(({ lockAccount }) => {
      for (let race = 1; race <= ${races}; race++) {
        meet(race)
        try {
          lockAccount(${JSON.stringify(account)})[Symbol.dispose]()
          Atomics.add(shared, 1 + race, 1)
        } catch (error) {
          if (error.kind !== 'unavailable') throw error
        }
      }
    })`
  const workers = [1, 2].map(() => new Worker(script, { eval: true, workerData: shared }))
  await Promise.all(workers.map((worker) => once(worker, 'exit')))
  assert.equal(shared[1], races)
  assert.equal(shared.indexOf(0, 2), -1)
})
