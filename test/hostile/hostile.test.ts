/**
 * The hostile server: every rule of docs/design.md, §12, that a server or a thief of a device could break, and every
 * published attack on such systems that fits this one, played against the real client by a proxy that holds the server's
 * key. Each is refused in words that say what happened, and changes no file.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkMutant } from '../sim/mutate.ts'
import { makeScratch } from '../support/scratch.ts'
import { assertSameTree, treeOf } from '../support/tree.ts'
import { attacks } from './attacks.ts'
import { mutants } from './mutants.ts'
import { makeStage } from './stage.ts'

test('every mutant of a check fits the sources, and names an attack', () => {
  const names = new Set(attacks.map(({ name }) => name))
  assert.equal(names.size, attacks.length)
  for (const mutant of mutants) {
    checkMutant(mutant)
    assert.ok(names.has(mutant.attack), mutant.attack)
  }
})

test('a hostile server is found out', { timeout: 300_000 }, async (t) => {
  using scratch = makeScratch('hostile')
  await using stage = await makeStage(scratch)
  for (const { name, play } of attacks) await t.test(name, () => play(stage))
  await t.test('and with an honest server the laptop gets everything', async () => {
    const error = await stage.turn({})
    if (error !== null) throw error
    assertSameTree(treeOf(stage.laptopFolder), treeOf(stage.deskFolder))
  })
})
