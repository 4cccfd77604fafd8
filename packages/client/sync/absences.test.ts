import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMemoryDisk } from '../memory/disk.ts'
import { createMemoryState } from '../memory/state.ts'
import { steppedClock } from '../memory/clock.ts'
import { nodeIdFromBytes, rootNodeId, vaultIdFromBytes } from '@anysync/protocol/ids.ts'
import type { Absence, BaseNode } from '../ports.ts'
import { forgetOldAbsences, forgetRuledAbsences } from './absences.ts'
import { noRules } from './rules.ts'
import type { Scope } from './scope.ts'

const linkId = 'link'

const absentNode = (number: number, name: string, kind: Absence['kind']): BaseNode => ({
  id: nodeIdFromBytes(new Uint8Array(16).fill(number)),
  parent: rootNodeId,
  name,
  kind: 'file',
  mode: 0o644,
  mtimeNs: 1n,
  size: 1,
  content: null,
  linkTarget: '',
  disk: null,
  absence: { kind, message: 'it cannot be here' },
})

const newState = () => {
  let commits = 0
  const state = createMemoryState({ onCommit: (moment) => void (moment === 'before' && (commits += 1)) })
  state.putLink({ id: linkId, vaultId: vaultIdFromBytes(new Uint8Array(16)), root: '/', mode: 'sync' })
  const before = commits
  return { state, commits: () => commits - before }
}

test('where nothing is absent, finding that out writes nothing', async () => {
  const { state, commits } = newState()
  const disk = createMemoryDisk({ clock: steppedClock() })
  assert.equal(forgetOldAbsences(state, linkId, disk), 0)
  assert.equal(await forgetRuledAbsences({ disk, state, linkId }, noRules, 0n, 'all'), 0)
  assert.equal(commits(), 0)
})

for (const kind of ['name', 'twin', 'rules'] as const)
  test(`what was absent because of its ${kind}, and could be here now, is forgotten in one transaction`, async () => {
    const { state, commits } = newState()
    const disk = createMemoryDisk({ clock: steppedClock() })
    state.putNode(linkId, absentNode(1, 'a', kind))
    state.putNode(linkId, absentNode(2, 'b', kind))
    const forgotten =
      kind === 'rules'
        ? await forgetRuledAbsences({ disk, state, linkId }, noRules, 0n, 'all')
        : forgetOldAbsences(state, linkId, disk)
    assert.equal(forgotten, 2)
    assert.equal(state.children(linkId, rootNodeId).length, 0)
    assert.equal(commits(), 3)
  })

test('a turn over some folders judges a few that the rules kept away, and a turn over everything any number', async () => {
  const { state } = newState()
  const disk = createMemoryDisk({ clock: steppedClock() })
  const forget = (scope: Scope) => forgetRuledAbsences({ disk, state, linkId }, noRules, 0n, scope)
  const add = (count: number): void => {
    for (let number = 1; number <= count; number++) state.putNode(linkId, absentNode(number, `${number}`, 'rules'))
  }
  add(100)
  assert.equal(await forget(new Set(['f'])), 100)
  add(101)
  assert.equal(await forget(new Set(['f'])), 0)
  assert.equal(await forget('all'), 101)
})
