/**
 * What whoever does the work on content must do, here or in threads: the same as the functions of this folder.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isTrouble } from '@anysync/protocol/errors.ts'
import { ContentKind, type Content } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { dataCut, treeCut } from '@anysync/protocol/limits.ts'
import { concatBytes } from '../crypto/bytes.ts'
import { chunkIdOf } from './chunk-id.ts'
import { cutEnds, makeGear } from './cut.ts'
import { placesOf } from './places.ts'
import { buildPack, indexedPack } from './pack.ts'
import { openSegment, segmentOf } from './segment.ts'
import { cipher, createTestStore, noise, sourceOf, prose, testKeys } from './store.suite.ts'
import { seededChance } from '../memory/chance.ts'
import type { ContentWork } from './work.ts'
import type { ContentWriter } from './write.ts'

const keys = testKeys()

/** In memory of the worker's own, as a writer has it, and not. */
const placements = (work: ContentWork, bytes: Uint8Array): Uint8Array[] => {
  const own = work.allocate(bytes.length + 10).subarray(7, 7 + bytes.length)
  own.set(bytes)
  return [bytes, own, concatBytes(bytes, bytes).subarray(bytes.length)]
}

/** As files that were read into a window. */
const writeSmall = async (writer: ContentWriter, files: Uint8Array[]): Promise<Content[]> => {
  const contents: Content[] = []
  for (let first = 0; first < files.length; first += 30) {
    const window = writer.takeWindow()
    let offset = 0
    const plaintexts = files.slice(first, first + 30).map((file) => {
      window.memory.set(file, offset)
      offset += file.length
      return window.memory.subarray(offset - file.length, offset)
    })
    contents.push(...(await writer.writeSmall(plaintexts, window)))
    window.release()
  }
  return contents
}

const isCorrupt = (error: unknown): boolean => isTrouble(error, 'corrupt')

const noiseParts = () => [noise(10), noise(300_000, 1), noise(0), noise(150_000, 2)]

/** `open` gives who works with the keys of `testKeys()`. */
export const contentWorkSuite = (open: () => ContentWork & AsyncDisposable): void => {
  const fact = (name: string, body: (work: ContentWork) => Promise<void>): void => {
    test(name, async () => {
      await using work = open()
      await body(work)
    })
  }
  fact('bytes are cut where they must be', async (work) => {
    const gear = makeGear(cipher, keys.gearKey)
    for (const [limits, length] of [
      [dataCut, 3_000_000],
      [treeCut, 300_000],
      [dataCut, 10],
      [dataCut, 0],
    ] as const) {
      for (const bytes of placements(work, noise(length))) {
        for (const isLast of [true, false]) {
          const wanted = cutEnds(() => gear, limits, bytes, isLast)
          assert.deepEqual(await work.cut(limits, bytes, isLast), wanted)
        }
      }
    }
  })

  fact('names come in the order of the plaintexts', async (work) => {
    const plaintexts = [noise(1), noise(200_000, 1), prose(70_000), noise(3, 2)]
    const wanted = plaintexts.map((plaintext) => chunkIdOf(keys, ContentKind.LIST, plaintext))
    assert.deepEqual(await work.name(ContentKind.LIST, plaintexts), wanted)
    assert.deepEqual(await work.name(ContentKind.LIST, []), [])
  })

  fact('what is sealed opens, with the names of what lies in it', async (work) => {
    for (const plaintexts of [[prose(500_000)], [prose(100_000), noise(100_000), prose(5)], [noise(20)]]) {
      for (const first of placements(work, plaintexts[0]!)) {
        const chunks = [first, ...plaintexts.slice(1)].map((plaintext) => ({
          kind: ContentKind.DATA,
          id: chunkIdOf(keys, ContentKind.DATA, plaintext),
          plaintext,
        }))
        const whole = concatBytes(...plaintexts)
        const sealed = await work.seal(
          ContentKind.DATA,
          chunks.map(({ plaintext }) => plaintext),
        )
        const segment = segmentOf(ContentKind.DATA, chunks, sealed)
        const pack = await buildPack({ chance: seededChance(1), keys, work }, [segment])
        const places = [...placesOf(indexedPack(pack))].map(({ place }) => place)
        const [place] = places
        const bytes = pack.bytes.slice(place!.segmentOffset, place!.segmentOffset + place!.sealedLength)
        assert.deepEqual(openSegment({ cipher, keys }, place!, bytes, chunks[0]!.id), whole)
        for (const given of placements(work, bytes)) {
          const opened = await work.open(place!, given, chunks[0]!.id, places)
          assert.deepEqual(new Uint8Array(opened.plaintext), whole)
          assert.deepEqual(
            opened.ids,
            chunks.map(({ id }) => id),
          )
          const beyond = await work.open(place!, given, chunks[0]!.id, [{ offset: whole.length - 1, length: 9 }])
          assert.notEqual(beyond.ids[0], chunks[0]!.id)
          given[given.length - 1] = 1 ^ given[given.length - 1]!
          await assert.rejects(work.open(place!, given, chunks[0]!.id, places), isCorrupt)
          given[given.length - 1] = 1 ^ given[given.length - 1]!
        }
      }
    }
  })

  fact('parts are joined in their order', async (work) => {
    const wanted = concatBytes(...noiseParts())
    const memory = work.allocate(wanted.length + 2)
    const sha256 = await work.join(noiseParts(), memory.subarray(1, -1))
    assert.deepEqual(memory.slice(), concatBytes(Uint8Array.of(0), wanted, Uint8Array.of(0)))
    assert.deepEqual(new Uint8Array(sha256), cipher.sha256(wanted))
  })

  fact('many contents at once come back as they were written', async (work) => {
    const store = createTestStore()
    const writer = store.writer({ work })
    const large = [noise(9_000_000, 1), prose(6_000_000, 2), concatBytes(noise(700_000, 3), prose(400_000, 3))]
    const small = Array.from({ length: 200 }, (_, i) => prose(i * 300, i))
    const [contents, ...others] = await Promise.all([
      writeSmall(writer, small),
      ...large.map((bytes) => writer.write(ContentKind.DATA, sourceOf(bytes))),
    ])
    await writer.finish()
    const reader = store.reader({ work })
    reader.expect([...contents, ...others])
    for (const [i, content] of [...contents, ...others].entries()) {
      const bytes = await reader.bytes(ContentKind.DATA, content)
      assert.deepEqual(new Uint8Array(bytes), [...small, ...large][i])
    }
  })
}
