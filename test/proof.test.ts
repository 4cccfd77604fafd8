/**
 * The daily proof of the daemon over a real server, on a clock that the test moves: a certificate in status, an alarm when
 * the server's disk spoils packs, and the way out that the alarm tells.
 */
import assert from 'node:assert/strict'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { proveDaily } from '@anysync/cli/daemon/prove.ts'
import { openSession } from '@anysync/cli/session.ts'
import { steppedClock } from '@anysync/client/memory/clock.ts'
import { proofJitterMs, proofMs, proofStartMs } from '@anysync/protocol/limits.ts'
import { eventually } from './support/daemon.ts'
import { Dice } from './support/dice.ts'
import { linkBoth, makeHousehold, sync } from './support/household.ts'
import { makeScratch } from './support/scratch.ts'
import { filesBelow } from './support/server.ts'

type Folder = {
  state: string
  reason: string
  lastSampled: { time: string; packs: number; packsRead: number; isWell: boolean; failed: { pack: string }[] } | null
}

test(
  'the daemon proves a sample every day, and what it finds is an alarm until it is mended',
  { timeout: 120_000 },
  async (t) => {
    using scratch = makeScratch('proof')
    await using house = await makeHousehold(scratch)
    const { server, desk, deskFolder } = house
    writeFileSync(join(deskFolder, 'file'), new Dice('proof').bytes(100_000))
    await linkBoth(house)
    const status = async (): Promise<Folder> => {
      const [folder] = (await desk.json<{ folders: Folder[] }>(['status'])).folders
      assert.ok(folder !== undefined)
      return folder
    }
    assert.equal((await status()).lastSampled, null)
    assert.match((await desk.done(['status'])).stdout, /proven by sample +never: a running daemon does it once a day/)

    await using session = await openSession({ home: desk.home }, false)
    const clock = steppedClock(BigInt(Date.now()) * 1_000_000n)
    const notes: string[] = []
    const stop = new AbortController()
    const alarms: string[] = []
    const voice = { note: (text: string) => void notes.push(text), alarm: (text: string) => void alarms.push(text) }
    const done = proveDaily({ session, voice, isPaused: () => false, clock }, stop.signal)
    /** Until the prover waits for its next look. */
    const pass = async (ms: number) => {
      clock.advance(ms)
      await eventually(
        () => clock.nextWaitMs(),
        (wait) => wait !== null,
      )
    }

    await t.test('what is well is certified', async () => {
      await pass(proofStartMs)
      const { state, lastSampled } = await status()
      assert.deepEqual([state, lastSampled?.packsRead, lastSampled?.isWell], ['in-step', 1, true])
      assert.match(
        (await desk.done(['status'])).stdout,
        /proven by sample +\d{4}-.* in 1 of \d+ packs?, at record \d+\n/,
      )
      assert.deepEqual([notes, alarms], [[], []])
    })

    await t.test('what the disk of the server spoiled is an alarm, that says what to do', async () => {
      for (const path of filesBelow(join(server.home, 'objects')).filter((path) => /[0-9a-f]{64}$/.test(path))) {
        const bytes = readFileSync(path)
        bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1
        chmodSync(path, 0o600)
        writeFileSync(path, bytes)
      }
      await pass(proofMs + proofJitterMs)
      const { state, reason, lastSampled } = await status()
      assert.deepEqual([state, lastSampled?.failed.length, lastSampled?.isWell], ['damaged', 1, false])
      assert.match(reason, /^ALARM of .* 1 pack lost or damaged on the server .*`anysync verify --repair`/)
      assert.match(
        alarms.join('\n'),
        /^of vault [0-9a-f]{32} the server has lost or damaged 1 pack: see `anysync status`$/,
      )
      const examined = await desk.run(['doctor'])
      assert.deepEqual([examined.exitCode, /WRONG +proof of 'photos'/.test(examined.stdout)], [1, true])
    })

    await t.test('it is over when the packs were stored again', async () => {
      await desk.done(['verify', deskFolder, '--data', 'all', '--repair'])
      await sync(desk)
      const { state, lastSampled } = await status()
      assert.deepEqual([state, lastSampled?.isWell], ['in-step', true])
      await pass(proofMs + proofJitterMs)
      assert.deepEqual((await status()).lastSampled?.failed, [])
    })

    stop.abort()
    await done
  },
)
