import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { test } from 'node:test'
import { encodeContext } from '@anysync/protocol/context.ts'
import { challengeBytesMax, challengeMsMax } from '@anysync/protocol/limits.ts'
import { createChallenges } from './challenge.ts'
import type { ServerMac } from './secret.ts'

const macOf =
  (key: string): ServerMac =>
  (...fields) =>
    createHmac('sha256', key)
      .update(encodeContext(...fields))
      .digest()
const mac = macOf('secret of the server')
const email = 'anna@example.org'

const withClock = () => {
  const clock = { ms: 1_000_000, nowMs: () => clock.ms }
  return { clock, challenges: createChallenges(mac, clock) }
}

test('a challenge is good once', () => {
  const { challenges } = withClock()
  const challenge = challenges.issue(email)
  assert.ok(challenge.length <= challengeBytesMax)
  assert.ok(challenges.spend(challenge, email))
  assert.ok(!challenges.spend(challenge, email))
  assert.ok(challenges.spend(challenges.issue(email), email))
})

test('a challenge is good for one minute', () => {
  const { clock, challenges } = withClock()
  const [inTime, late] = [challenges.issue(email), challenges.issue(email)]
  clock.ms += challengeMsMax
  assert.ok(challenges.spend(inTime, email))
  clock.ms += 1
  assert.ok(!challenges.spend(late, email))
  assert.ok(!challenges.spend(inTime, email))
})

test('a challenge is good for its e-mail only, and every flipped bit is refused', () => {
  const { challenges } = withClock()
  const challenge = challenges.issue(email)
  assert.ok(!challenges.spend(challenge, 'bob@example.org'))
  for (let bit = 0; bit < challenge.length * 8; bit++) {
    const flipped = new Uint8Array(challenge)
    flipped[bit >> 3]! ^= 1 << (bit & 7)
    assert.ok(!challenges.spend(flipped, email), `bit ${bit}`)
  }
  assert.ok(!challenges.spend(challenge.subarray(1), email))
  assert.ok(!challenges.spend(new Uint8Array(), email))
  assert.ok(challenges.spend(challenge, email))
})

test('a challenge from before a restart or of another server is refused', () => {
  const { clock, challenges } = withClock()
  const challenge = challenges.issue(email)
  clock.ms += 1
  assert.ok(!createChallenges(mac, clock).spend(challenge, email))
  clock.ms -= 1
  assert.ok(!createChallenges(macOf('another'), clock).spend(challenge, email))
})
