/** Which facts are findings of trouble. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { recordHashFromBytes } from '@anysync/protocol/ids.ts'
import { clockFinding, headFinding } from './findings.ts'

const head = (sequence: number, byte = sequence) => ({
  sequence,
  hash: recordHashFromBytes(new Uint8Array(32).fill(byte)),
})

test('a server that shows less, or something else, than was seen is in trouble', () => {
  const table: [
    seen: ReturnType<typeof head> | null,
    shown: ReturnType<typeof head> | null,
    isWell: boolean,
    says: RegExp,
  ][] = [
    [null, null, true, /empty/],
    [null, head(3), true, /at record 0; the server has 3 newer records/],
    [head(3), head(3), true, /at record 3, like/],
    [head(3), head(4), true, /1 newer record,/],
    [head(3), head(2), false, /record 2 as the newest, and this device has seen 3/],
    [head(3), null, false, /record 0 as the newest/],
    [head(3), head(3, 9), false, /another record 3/],
  ]
  for (const [seen, shown, isWell, says] of table) {
    const finding = headFinding('vault', seen, shown)
    assert.equal(finding.isWell, isWell, finding.message)
    assert.match(finding.message, says)
    assert.equal(finding.advice === null, isWell)
  }
})

test('clocks differ by what does not lie within the time of the answer', () => {
  const s = 1_000_000_000n
  const table: [serverNs: bigint | null, isWell: boolean, says: RegExp][] = [
    [null, true, /does not tell/],
    [105n * s, true, /same time/],
    [100n * s, true, /same time/],
    [110n * s, true, /same time/],
    [140n * s, true, /^30 s behind/],
    [70n * s, true, /^30 s ahead of/],
    [171n * s, false, /^1 min 1 s behind/],
    [39n * s, false, /^1 min 1 s ahead of/],
  ]
  for (const [serverNs, isWell, says] of table) {
    const finding = clockFinding({ beforeNs: 100n * s, afterNs: 110n * s, serverNs, skewMsMax: 60_000 })
    assert.equal(finding.isWell, isWell, finding.message)
    assert.match(finding.message, says)
  }
})
