/** How the parts of a large source follow each other: what is named while the next is cut, and what trouble leaves behind. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { windowBytes } from '@anysync/protocol/limits.ts'
import { ContentKind, type Content } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { sameContent } from './content.ts'
import { createIdentify, type ByteSource } from './identify.ts'
import { noise, sourceOf, testKeys, testWork } from './store.suite.ts'
import type { ContentWork } from './work.ts'

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
const keys = testKeys()
const windowCount = 5
const large = noise((windowCount - 1) * windowBytes + 1000)
const source = (): ByteSource => sourceOf(large)
const wanted = (): Promise<Content> => createIdentify(testWork(keys))(ContentKind.DATA, source())

/** Counts what is asked of it, and does it a little later. */
const countedWork = (changes: Partial<ContentWork> = {}) => {
  const work = testWork(keys)
  const counts = { cuts: 0, names: 0, allocated: 0 }
  const counted: ContentWork = {
    ...work,
    allocate: (length) => {
      counts.allocated++
      return work.allocate(length)
    },
    cut: async (...words) => {
      counts.cuts++
      await turn()
      return work.cut(...words)
    },
    name: async (...words) => {
      counts.names++
      await turn()
      return work.name(...words)
    },
    ...changes,
  }
  return { counts, work: counted }
}

test('a window is cut while the one before it is named', async () => {
  const { counts, work } = countedWork()
  let named = 0
  const name: ContentWork['name'] = async (...words) => {
    // All but the last wait for the cut of the next, which must not wait for them.
    if (++named < windowCount) while (counts.cuts < named + 1) await turn()
    return work.name(...words)
  }
  const content = await createIdentify({ ...work, name })(ContentKind.DATA, source())
  assert.ok(sameContent(content, await wanted()))
  assert.equal(counts.cuts, windowCount)
})

test('a source is read through a few windows, again and again', async () => {
  const { counts, work } = countedWork()
  const identify = createIdentify(work)
  for (let times = 0; times < 3; times++)
    assert.ok(sameContent(await identify(ContentKind.DATA, source()), await wanted()))
  // A smaller one, for nothing lies in front of the first, and three: one is filled, one cut and one named.
  assert.ok(counts.allocated <= 4, `${counts.allocated} pieces of memory`)
})

const trouble = new Error('trouble')

const broken = (): ByteSource => sourceOf(large, 2 * windowBytes + 5, trouble)

for (const { what, fail } of [
  { what: 'source', fail: (work: ContentWork) => createIdentify(work)(ContentKind.DATA, broken()) },
  {
    what: 'name',
    fail: (work: ContentWork) => {
      let names = 0
      const name: ContentWork['name'] = (...words) => (++names === 2 ? Promise.reject(trouble) : work.name(...words))
      return createIdentify({ ...work, name })(ContentKind.DATA, source())
    },
  },
  {
    what: 'taker',
    fail: (work: ContentWork) =>
      createIdentify(work)(ContentKind.DATA, source(), () => {
        throw trouble
      }),
  },
]) {
  test(`a ${what} that fails is told, and nothing is looked at afterwards`, async () => {
    const { counts, work } = countedWork()
    let underWay = 0
    const name: ContentWork['name'] = async (...words) => {
      underWay++
      return work.name(...words).finally(() => underWay--)
    }
    await assert.rejects(fail({ ...work, name }), trouble)
    const { cuts } = counts
    assert.equal(underWay, 0)
    await turn()
    assert.equal(counts.cuts, cuts)
  })
}
