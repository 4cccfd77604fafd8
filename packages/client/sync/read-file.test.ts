/** Reading a file that somebody is writing. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DiskFault } from '../memory/disk-files.ts'
import { steppedClock } from '../memory/clock.ts'
import { createMemoryDisk } from '../memory/disk.ts'
import { readStable } from './read-file.ts'

/** Reads `f`, which holds `first`; `meanwhile` happens at each read of bytes. */
const readWhile = async (
  first: string,
  meanwhile: (user: ReturnType<typeof createMemoryDisk>['user'], read: number) => void,
) => {
  let reads = 0
  let fault: DiskFault | null = null
  const clock = steppedClock()
  const disk = createMemoryDisk({ clock, fault: (call) => fault?.(call) })
  disk.user.writeFile('f', first)
  clock.advance(1000)
  fault = ({ operation }) => {
    if (operation === 'disk.read') meanwhile(disk.user, (reads += 1))
  }
  const read = await readStable({ disk, clock }, 'f', async (source) => {
    let text = ''
    // Read on after what is expected, as whoever cuts it does.
    for (const memory = new Uint8Array(4); ;) {
      const length = await source.read(memory)
      text += new TextDecoder().decode(memory.subarray(0, length))
      if (length < memory.length) return text
    }
  })
  return { read, reads, disk, clock }
}

test('a file at rest is read, and its stat is remembered as it is', async () => {
  const { read, disk } = await readWhile('content', () => undefined)
  assert.equal(read?.result, 'content')
  assert.deepEqual(read.stat, await disk.lstat('f'))
  assert.deepEqual(read.remembered, read.stat)
})

test('a file that is edited, saved by rename, or grows while it is read is read again', async () => {
  for (const second of ['changed', 'grown and longer', 'less']) {
    for (const save of ['writeFile', 'saveFile'] as const) {
      const { read } = await readWhile('content', (user, reads) => reads === 2 && user[save]('f', second))
      assert.equal(read?.result, second)
      assert.equal(read.remembered.ctimeNs, 0n)
    }
  }
})

test('a file that grows without end is given up', async () => {
  const { read, reads } = await readWhile('', (user, reads) => user.writeFile('f', 'x'.repeat(reads * 10)))
  assert.equal(read, null)
  assert.ok(reads < 20)
})

test('a file that is gone in the end was not read', async () => {
  await assert.rejects(readWhile('content', (user, reads) => reads === 2 && user.rm('f')))
})
