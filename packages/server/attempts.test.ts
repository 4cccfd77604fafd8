import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isTrouble } from '@anysync/protocol/errors.ts'
import { accountPolicy, addressPolicy, createAttempts, waitMs, type AttemptPolicy } from './attempts.ts'

const policy: AttemptPolicy = { freeFailures: 3, delayMsFirst: 100, delayMsMax: 1000, forgetMs: 10_000 }

test('the wait doubles after the free failures, up to the longest, and runs down with time', () => {
  const table: [failures: number, sinceMs: number, wanted: number][] = [
    [0, 0, 0],
    [1, 0, 0],
    [2, 0, 0],
    [3, 0, 100],
    [3, 99, 1],
    [3, 100, 0],
    [4, 0, 200],
    [4, 150, 50],
    [5, 0, 400],
    [6, 0, 800],
    [7, 0, 1000],
    [8, 0, 1000],
    [2000, 0, 1000],
    [2000, 999, 1],
    [2000, 10_000, 0],
    // A clock that went back makes nobody wait longer than the policy says.
    [4, -50_000, 200],
  ]
  for (const [count, sinceMs, wanted] of table) {
    const nowMs = 1_000_000
    assert.equal(
      waitMs(policy, { count, lastMs: nowMs - sinceMs }, nowMs),
      wanted,
      `${count} failures, ${sinceMs} ms ago`,
    )
  }
  assert.equal(waitMs(policy, null, 0), 0)
})

const withClock = () => {
  const clock = { ms: 1_000_000, nowMs: () => clock.ms }
  const attempts = createAttempts(clock)
  const fail = (address: string, email: string | null): boolean => {
    try {
      attempts.begin(address, email)
      return true
    } catch (error) {
      assert.ok(isTrouble(error, 'unavailable'))
      return false
    }
  }
  return { clock, attempts, fail }
}

test('attempts at once count as many, although none has failed yet', () => {
  const { fail } = withClock()
  const passed = Array.from({ length: 100 }, () => fail('10.0.0.1', 'anna@example.org')).filter(Boolean)
  assert.equal(passed.length, accountPolicy.freeFailures)
})

test('an account is protected from many addresses, and an address from many accounts', () => {
  const { fail } = withClock()
  const fromMany = Array.from({ length: 50 }, (_, i) => fail(`10.0.0.${i}`, 'anna@example.org')).filter(Boolean)
  assert.equal(fromMany.length, accountPolicy.freeFailures)
  const ofMany = Array.from({ length: 50 }, (_, i) => fail('10.1.0.1', `${i}@example.org`)).filter(Boolean)
  assert.equal(ofMany.length, addressPolicy.freeFailures)
})

test('a success frees the account, and takes only itself from the address', () => {
  const { attempts, fail } = withClock()
  for (let i = 0; i < accountPolicy.freeFailures - 1; i++) fail('10.0.0.1', 'anna@example.org')
  attempts.begin('10.0.0.1', 'anna@example.org').succeed()
  for (let i = 0; i < accountPolicy.freeFailures; i++) assert.ok(fail('10.0.0.1', 'anna@example.org'))
  assert.ok(!fail('10.0.0.1', 'anna@example.org'))
  // A guesser who signs in to an account of its own between guesses gains nothing.
  const left = addressPolicy.freeFailures - (2 * accountPolicy.freeFailures - 1)
  for (let i = 0; i < left; i++) assert.ok(fail('10.0.0.1', `${i}@example.org`), `${i} of ${left}`)
  assert.ok(!fail('10.0.0.1', 'last@example.org'))
})

test('waiting lets the next attempt pass, and a quiet hour forgets all', () => {
  const { clock, fail } = withClock()
  const email = 'anna@example.org'
  for (let i = 0; i < accountPolicy.freeFailures; i++) fail('10.0.0.1', email)
  assert.ok(!fail('10.0.0.1', email))
  clock.ms += accountPolicy.delayMsFirst
  assert.ok(fail('10.0.0.1', email))
  assert.ok(!fail('10.0.0.1', email))
  clock.ms += accountPolicy.forgetMs
  for (let i = 0; i < accountPolicy.freeFailures; i++) assert.ok(fail('10.0.0.1', email))
})

test('all addresses of one IPv6 network count as one', () => {
  const { fail } = withClock()
  const network = Array.from({ length: 50 }, (_, i) => fail(`2001:db8:1:2::${i.toString(16)}`, null)).filter(Boolean)
  assert.equal(network.length, addressPolicy.freeFailures)
  assert.ok(!fail('2001:db8:1:2:aaaa:bbbb:cccc:dddd', null))
  assert.ok(fail('2001:db8:1:3::1', null))
})
