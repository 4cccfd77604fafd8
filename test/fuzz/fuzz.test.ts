/** A little of what `npm run fuzz` does a lot of. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SyncError } from '@anysync/protocol/errors.ts'
import { fuzz } from './fuzz.ts'
import type { Target } from './target.ts'
import { targets } from './targets.ts'

const seed = 20_261_125

for (const target of targets) {
  test(`${target.name}: every mutated input is refused in words, or read as it would be written`, async () => {
    const { failure, refused } = await fuzz(target, 400, seed)
    assert.equal(failure, null)
    assert.ok(refused > 0)
  })
}

const broken = (read: Target['read']): Target => ({
  name: 'a broken parser',
  valid: [new Uint8Array(20)],
  isAuthenticated: true,
  read,
})

const whole = (bytes: Uint8Array): boolean => bytes.length === 20

test('a parser that throws what it must not, or takes what was altered, is found', async () => {
  const crashing = broken((bytes) => {
    if (whole(bytes)) return null
    throw new TypeError('out of bounds')
  })
  assert.match((await fuzz(crashing, 100, seed)).failure?.why ?? '', /it threw TypeError/)
  const gullible = broken(() => null)
  assert.match((await fuzz(gullible, 100, seed)).failure?.why ?? '', /altered bytes were accepted/)
  const lax: Target = { ...gullible, isAuthenticated: false, read: () => new Uint8Array(20) }
  assert.match((await fuzz(lax, 100, seed)).failure?.why ?? '', /another form/)
  const strict = broken((bytes) => {
    if (bytes.every((byte) => byte === 0) && whole(bytes)) return null
    throw new SyncError('test', 'corrupt', 'no')
  })
  assert.equal((await fuzz(strict, 100, seed)).failure, null)
})
