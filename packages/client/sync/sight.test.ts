import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nothing, type Scope } from './scope.ts'
import { Sight } from './sight.ts'
import type { Trouble } from './report.ts'

const closed: Trouble[] = [{ path: 'f', kind: 'unreadable', message: 'permission denied' }]

/** A turn: what it was to look at, whether it looked at everything, what it met; then whether all must be looked at, and is clear. */
type Row = [what: string, scope: Scope, isWhole: boolean, troubles: Trouble[], mustLook: boolean, isClear: boolean]

const series: Record<string, Row[]> = {
  'all is seen': [
    ['at first', 'all', true, [], false, true],
    ['then a part', nothing, false, [], false, true],
  ],
  'a closed folder is met by a turn over a part, and opened': [
    ['at first', 'all', true, [], false, true],
    ['closed', new Set(['']), false, closed, false, false],
    ['closed still', new Set(['f']), false, closed, false, false],
    ['open', new Set(['f']), false, [], true, false],
    ['everything', 'all', true, [], false, true],
  ],
  'a closed folder is met at first, and opened for a turn over everything': [
    ['at first', 'all', false, closed, false, false],
    ['open', 'all', true, [], false, true],
  ],
  'a turn over everything is cut short': [
    ['at first', 'all', false, [], false, false],
    ['then a part', nothing, false, [], false, false],
  ],
}

for (const [name, rows] of Object.entries(series)) {
  test(name, () => {
    const sight = new Sight()
    assert.equal(sight.isClear, false)
    for (const [what, scope, isWhole, troubles, mustLook, isClear] of rows)
      assert.deepEqual([sight.note({ troubles, isWhole }, scope), sight.isClear], [mustLook, isClear], what)
  })
}
