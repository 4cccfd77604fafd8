import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededChance } from '../memory/chance.ts'
import { newNodeId } from './new-node-id.ts'
import type { Chance } from '../ports.ts'

const at = (timeMs: bigint) => ({ nowNs: () => timeMs * 1_000_000n + 999_999n })

test('the id of a new node is the example of RFC 9562, A.6, whatever chance puts where the time and the version lie', () => {
  for (const other of ['00', 'ff']) {
    const version = other === 'ff' ? 'fc' : '0c'
    const variant = other === 'ff' ? 'd8' : '18'
    const chance: Chance = { bytes: () => Uint8Array.fromHex(`${other.repeat(6)}${version}c3${variant}c4dc0c0c07398f`) }
    assert.equal(newNodeId(chance, at(0x017f22e279b0n)), '017f22e279b07cc398c4dc0c0c07398f')
  }
})

test('ids follow each other by the millisecond in which they were made, and differ within one', () => {
  const chance = seededChance(1)
  const times = [0n, 1n, 255n, 256n, 65_535n, 65_536n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 48n - 1n]
  const ids = times.map((timeMs) => newNodeId(chance, at(timeMs)))
  assert.deepEqual(ids.toSorted(), ids)
  const together = Array.from({ length: 1000 }, () => newNodeId(chance, at(5n)))
  assert.equal(new Set(together).size, 1000)
})
