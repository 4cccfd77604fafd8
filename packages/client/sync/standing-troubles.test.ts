/** Troubles stand until the folder that they are in is looked at again and does not show them. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMemoryDisk } from '../memory/disk.ts'
import { steppedClock } from '../memory/clock.ts'
import { household } from './household.suite.ts'
import type { Trouble } from './report.ts'
import { StandingTroubles } from './standing-troubles.ts'

const trouble = (path: string, kind: Trouble['kind'] = 'skipped'): Trouble => ({ path, kind, message: 'for a reason' })
const keysOf = (standing: StandingTroubles) => standing.list().map(({ path, kind }) => `${path} ${kind}`)

test('what a turn over a part does not look at stands, and what it looks at is over or said again', () => {
  const standing = new StandingTroubles()
  standing.note('all', new Set(['', 'a', 'b']), [trouble('a/x'), trouble('b/y'), trouble('z')])
  standing.note(new Set(['a']), new Set(['a']), [])
  assert.deepEqual(keysOf(standing), ['b/y skipped', 'z skipped'])
  standing.note(new Set(['b']), new Set(['b']), [trouble('b/y', 'busy')])
  assert.deepEqual(keysOf(standing), ['z skipped', 'b/y busy'])
  standing.note('all', new Set(['']), [])
  assert.deepEqual(keysOf(standing), [])
})

test('a closed folder is over when it can be listed, and one path may have several troubles', () => {
  const standing = new StandingTroubles()
  standing.note('all', new Set(['']), [trouble('f', 'unreadable'), trouble('f', 'failed')])
  assert.deepEqual(keysOf(standing), ['f unreadable', 'f failed'])
  standing.note(new Set(['f']), new Set(['f']), [])
  assert.deepEqual(keysOf(standing), [])
})

test('what lay in a folder that is gone is over as soon as a folder above it is looked at', async () => {
  const disk = createMemoryDisk({ clock: steppedClock() })
  disk.user.mkdir('a')
  disk.user.mkdir('a/here')
  const standing = new StandingTroubles()
  const told = ['a/gone/x', 'a/gone/deep/y', 'a/here/z', 'b/w'].map((path) => trouble(path))
  standing.note('all', new Set(['']), told)
  await standing.forgetGone(disk, new Set(['a']))
  assert.deepEqual(keysOf(standing), ['a/here/z skipped', 'b/w skipped'])
})

test('a closed folder that is moved away, with the one that it lies in, is no trouble any more', async () => {
  const { a } = await household({ 'A/B/C/file': 'x', keep: 'k' })
  a.user.chmod('A/B/C', 0)
  const closed = await a.engine.turn(new Set(['A/B/C']))
  assert.deepEqual(
    closed.troubles.map(({ path, kind }) => `${path} ${kind}`),
    ['A/B/C unreadable'],
  )
  a.user.rename('A/B', 'A/D')
  a.user.chmod('A/D/C', 0o755)
  const { troubles } = await a.engine.turn(new Set(['A']))
  assert.deepEqual(troubles, [])
})
