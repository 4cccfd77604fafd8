/** Where files are cut into slices. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MiB } from '@anysync/protocol/limits.ts'
import { slicesOf } from './slices.ts'

const cases: { name: string; sizes: number[]; filesMax?: number; slices: number[][] }[] = [
  { name: 'nothing is no slice', sizes: [], slices: [] },
  { name: 'few and small files are one', sizes: [1, 2, 3], slices: [[1, 2, 3]] },
  { name: 'so many files are full', sizes: [1, 2, 3, 4, 5], filesMax: 2, slices: [[1, 2], [3, 4], [5]] },
  { name: 'the last may be just full', sizes: [1, 2], filesMax: 2, slices: [[1, 2]] },
  { name: 'so are so many bytes', sizes: [255 * MiB, MiB, 1], slices: [[255 * MiB, MiB], [1]] },
  { name: 'a file that is larger is one by itself', sizes: [300 * MiB, 1], slices: [[300 * MiB], [1]] },
]

for (const { name, sizes, filesMax, slices } of cases)
  test(name, () => assert.deepEqual([...slicesOf(sizes, (size) => size, filesMax)], slices))

test('2,000 files are a slice', () => {
  const lengths = [
    ...slicesOf(
      Array.from({ length: 4001 }, () => 0),
      (size) => size,
    ),
  ].map(({ length }) => length)
  assert.deepEqual(lengths, [2000, 2000, 1])
})
