import assert from 'node:assert/strict'
import { test } from 'node:test'
import { foldNameBy } from './fold-name.ts'

const areOne = (isCaseFolded: boolean, isFormFolded: boolean, a: string, b: string): boolean =>
  foldNameBy({ isCaseFolded, isFormFolded }, a) === foldNameBy({ isCaseFolded, isFormFolded }, b)

test('names are one by case, by Unicode form, or by both, as the disk folds them', () => {
  // a, b · one where case is folded · where forms are · where both are
  const table: [string, string, boolean, boolean, boolean][] = [
    ['Readme', 'README', true, false, true],
    ['caf\u00e9', 'cafe\u0301', false, true, true],
    ['CAF\u00c9', 'cafe\u0301', false, false, true],
    ['Straße', 'STRASSE', true, false, true],
    ['ΟΔΟΣ', 'οδος', true, false, true],
    ['\u212bngstr\u00f6m', 'A\u030angstro\u0308m', false, true, true],
    ['readme', 'readme.txt', false, false, false],
  ]
  for (const [a, b, byCase, byForm, byBoth] of table) {
    assert.deepEqual(
      [areOne(true, false, a, b), areOne(false, true, a, b), areOne(true, true, a, b)],
      [byCase, byForm, byBoth],
      a,
    )
    assert.equal(areOne(false, false, a, b), false)
    assert.equal(areOne(false, false, a, a), true)
  }
})
