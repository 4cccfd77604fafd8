/**
 * Attacks on packs: other bytes than were stored, in every way in which bytes can be others, and answers that lead elsewhere.
 */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { nodeCipher } from '@anysync/cli/ports/cipher.ts'
import { indexedPack, readDirectory } from '@anysync/client/content/pack.ts'
import { placesOf } from '@anysync/client/content/places.ts'
import { parsePackId } from '@anysync/protocol/ids.ts'
import { dataCut } from '@anysync/protocol/limits.ts'
import { filesBelow } from '../support/server.ts'
import type { Answer, Asked } from './proxy.ts'
import { refuses, type Attack, type Refusal, type Stage } from './stage.ts'

/** Every range of a pack is answered otherwise. */
const answering = (
  change: (answer: Answer, asked: Asked, stage: Stage) => void,
  refusal: Refusal = { says: /chunk [0-9a-f]{64} in pack [0-9a-f]{64} cannot be read/ },
): Attack['play'] =>
  refuses((stage) => ({ pack: (answer, asked) => change(answer, asked, stage) }), { ...refusal, isLogTaken: true })

const packOnDisk = (stage: Stage, other: (name: string) => boolean): Buffer => {
  const objects = join(stage.server.home, 'objects')
  const vaults = readdirSync(objects).filter((name) => /^[0-9a-f]{32}$/.test(name))
  const packs = vaults.flatMap((vault) => filesBelow(join(objects, vault)))
  const [path] = packs
    .filter((path) => other(basename(path)))
    .sort((a, b) => readFileSync(b).length - readFileSync(a).length)
  assert.ok(path)
  return readFileSync(path)
}

const rangeOf = (bytes: Buffer, { offset, length }: Asked): Buffer =>
  Buffer.concat([bytes, Buffer.alloc(offset + length)]).subarray(offset, offset + length)

/** No other file is so large. */
const isOfLargeFile = ({ length }: Asked): boolean => length > 3 * dataCut.min

const spoil = (answer: Answer, asked: Asked): void => {
  if (isOfLargeFile(asked)) answer.body[answer.body.length >> 1]! ^= 1
}

/** The pack that holds two files of one length, and these in each other's place. */
const exchangedTwins = async (stage: Stage): Promise<{ pack: string; bytes: Buffer }> => {
  await using opened = await stage.openDesk()
  for (const path of filesBelow(join(stage.server.home, 'objects', opened.vault.id))) {
    const [bytes, id] = [readFileSync(path), parsePackId(basename(path))]
    const { directory } = readDirectory({ cipher: nodeCipher, keys: opened.vault.keys }, id, bytes)
    const places = [...placesOf(indexedPack({ id, directory: directory! }))].map(({ place }) => place)
    const [a, b] = places.filter(({ plainLength }) => plainLength === dataCut.min)
    if (a === undefined || b === undefined) continue
    const whole = Buffer.from(bytes)
    bytes.copy(whole, a.segmentOffset, b.segmentOffset, b.segmentOffset + b.sealedLength)
    bytes.copy(whole, b.segmentOffset, a.segmentOffset, a.segmentOffset + a.sealedLength)
    return { pack: id, bytes: whole }
  }
  assert.fail('no pack holds the twins')
}

/** Whatever else there is may come with this one. */
export const twinAttack: Attack = {
  name: 'two segments of one length change places',
  async play(stage) {
    const { pack, bytes } = await exchangedTwins(stage)
    const error = await stage.turn({
      pack: (answer, asked) => {
        if (asked.pack === pack) answer.body = rangeOf(bytes, asked)
        else spoil(answer, asked)
      },
    })
    assert.equal(error?.kind, 'corrupt')
    assert.ok(!existsSync(join(stage.laptopFolder, 'twin 1')) && !existsSync(join(stage.laptopFolder, 'twin 2')))
  },
}

/** Everything else of the snapshot is true and comes, so this one comes last. */
export const fileAttack: Attack = {
  name: 'a byte of a file is another, where all that leads to it is true',
  async play(stage) {
    let count = 0
    const error = await stage.turn({
      pack: (answer, asked) => {
        if (!isOfLargeFile(asked)) return
        count += 1
        spoil(answer, asked)
      },
    })
    assert.ok(count > 0, 'the file was asked for')
    assert.equal(error?.kind, 'corrupt')
    assert.match(error.message, /chunk [0-9a-f]{64} in pack [0-9a-f]{64} cannot be read/)
    assert.ok(!existsSync(join(stage.laptopFolder, 'photos/large')))
    assert.deepEqual(readdirSync(join(stage.laptopFolder, '.anysync/tmp')), [])
  },
}

export const packAttacks: Attack[] = [
  {
    name: 'the first byte of a segment is another',
    play: answering((answer) => void (answer.body[0]! ^= 1)),
  },
  {
    name: 'the last byte of a segment is another',
    play: answering((answer) => void (answer.body[answer.body.length - 1]! ^= 128)),
  },
  { name: 'nothing but zeros comes', play: answering((answer) => void answer.body.fill(0)) },
  {
    name: 'pack A is served for pack B',
    play: answering((answer, asked, stage) => {
      answer.body = rangeOf(
        packOnDisk(stage, (name) => name !== asked.pack),
        asked,
      )
    }),
  },
  {
    name: 'a segment is served from another place of its pack',
    play: answering((answer, asked, stage) => {
      const whole = packOnDisk(stage, (name) => name === asked.pack)
      answer.body = rangeOf(whole, { ...asked, offset: Math.max(0, asked.offset - 1) })
    }),
  },
  {
    name: 'the halves of a segment change places',
    play: answering((answer) => {
      const half = answer.body.length >> 1
      answer.body = Buffer.concat([answer.body.subarray(half), answer.body.subarray(0, half)])
    }),
  },
  {
    name: 'the beginning of a segment is repeated',
    play: answering((answer) => void answer.body.copyWithin(60, 0, 20)),
  },
  {
    name: 'fewer bytes come than were asked for',
    play: answering((answer) => void (answer.body = answer.body.subarray(0, -1)), {
      kinds: ['corrupt', 'unavailable'],
      says: /broke off|cannot be read/,
    }),
  },
  {
    name: 'more bytes come than were asked for',
    play: answering((answer) => void (answer.body = Buffer.concat([answer.body, Buffer.alloc(1)])), {
      says: /more of pack [0-9a-f]{64} than/,
    }),
  },
  {
    name: 'a pack goes on without an end',
    play: refuses(
      () => ({
        endless: (route) =>
          route.startsWith('GET /objects/')
            ? { status: 206, headers: { 'content-range': 'bytes 12-99999/100000' }, portion: Buffer.alloc(65_536) }
            : null,
      }),
      { says: /another range|more of pack/, isLogTaken: true },
    ),
  },
  {
    name: 'another range is told than was asked for',
    play: answering((answer) => void (answer.headers['content-range'] = 'bytes 0-9/10'), {
      says: /another range|ends/,
    }),
  },
  {
    name: 'the whole pack is sent for a range',
    play: answering(
      (answer) => {
        answer.status = 200
        delete answer.headers['content-range']
      },
      { kinds: ['corrupt', 'unavailable'], says: /./ },
    ),
  },
  {
    name: 'a pack is hidden',
    play: answering(
      (answer) => {
        answer.status = 404
        answer.headers = { 'content-type': 'application/json' }
        answer.body = Buffer.from('{"kind":"missing","message":"there is no such pack"}')
      },
      { says: /lost pack [0-9a-f]{64}/ },
    ),
  },
  {
    name: 'a link leads elsewhere',
    async play(stage) {
      const { hostile } = stage
      const before = hostile.calls.length
      await answering(
        (answer) => {
          answer.status = 307
          answer.headers = { location: `${hostile.url}/elsewhere` }
          answer.body = Buffer.alloc(0)
        },
        { kinds: ['unavailable'], says: /status 307/ },
      )(stage)
      assert.deepEqual(
        hostile.calls.slice(before).filter((route) => route.includes('elsewhere')),
        [],
        'nobody goes where a server sends',
      )
    },
  },
]
