/**
 * The log and the packs of a vault (docs/format.md, "Records" and "Packs"). A record is believed only when it follows the
 * one before, the account's identity certified its device, the device signed it, and it opens. A pack says itself what it
 * holds, so an index is made from packs alone. Every chunk that is given was checked against its id.
 */
import { createHmac, hash } from 'node:crypto'
import { closeSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { constants, zstdDecompressSync } from 'node:zlib'
import { context, derive, isSame, isSigned, open } from './keys.ts'
import { demand, Message, trying } from './message.ts'

export const kinds = { data: 1, tree: 2, list: 3, index: 4 } as const

/** The keys of a vault by their epochs. */
export type VaultKeys = { vaultId: Uint8Array; vaultKeys: Map<number, Uint8Array> }

export type Snapshot = { sequence: number; body: Message }

/** The bytes of a content in order, each portion checked. */
export type Read = (kind: number, content: Message) => Iterable<Uint8Array>

/** Where a segment lies, and what its pack's directory says of it. */
type Segment = { path: string; start: number; epoch: number; entry: Message }
type Place = { segment: Segment; start: number; end: number }

const keyOf = ({ vaultKeys }: VaultKeys, epoch: number, purpose: string): Uint8Array => {
  const key = vaultKeys.get(epoch)
  demand(key !== undefined, `there is no grant of epoch ${epoch}`)
  return derive(key, purpose)
}

export const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
const sha256 = (bytes: Uint8Array): Uint8Array => hash('sha256', bytes, 'buffer')

/** How many fields the body of a record has, by its kind: snapshot, checkpoint, forget, retire, rescue, tag. */
const bodyFields = [0, 10, 8, 9, 8, 0, 8, 10]

/** The snapshots that are kept, of records in their order, from the first. */
export const readLog = (records: Uint8Array[], identity: Uint8Array, keys: VaultKeys): Snapshot[] => {
  let previous = sha256(context('genesis', keys.vaultId))
  const snapshots: Snapshot[] = []
  const forgotten = new Set<number>()
  for (const [i, bytes] of records.entries()) {
    const [sequence, name] = [i + 1, `record ${i + 1}`]
    const record = new Message(name, bytes, 3)
    const header = new Message(`the header of ${name}`, record.bytes(1), 7)
    const [epoch, kind] = [header.number(5), header.number(6)]
    const fields = bodyFields[kind] ?? 0
    demand(header.number(1) === 1 && fields > 0, `${name} is of a version or kind that is not known`)
    demand(isSame(header.bytes(2), keys.vaultId), `${name} is of another vault`)
    demand(header.number(3) === sequence && isSame(header.bytes(4), previous), `${name} does not follow the last`)
    const device = header.message(7, `the certificate of ${name}`, 5)
    const [deviceId, publicKey, sealed] = [device.bytes(1, 16), device.bytes(2, 32), record.bytes(2)]
    const certified = context('device', deviceId, publicKey, identity, device.integer(4))
    const isCertified = isSame(device.bytes(3), identity) && isSigned(identity, certified, device.bytes(5, 64))
    demand(isCertified, `${name} is of a device that this account did not certify`)
    const signed = context('record-signature', record.bytes(1), sha256(sealed))
    demand(isSigned(publicKey, signed, record.bytes(3, 64)), `${name} was not signed by its device`)
    const bound = context('record', keys.vaultId, epoch, sequence, previous, kind, deviceId)
    const body = new Message(name, open(keyOf(keys, epoch, 'log'), sealed, bound, `the body of ${name}`), fields)
    previous = sha256(bytes)
    if (kind === 1) snapshots.push({ sequence, body })
    if (kind === 3) for (const number of body.integers(1)) forgotten.add(Number(number))
    if (kind === 6) for (const kept of body.list(1)) forgotten.delete(new Message('a rescue', kept, 11).number(1))
  }
  return snapshots.filter((snapshot) => snapshot === snapshots.at(-1) || !forgotten.has(snapshot.sequence))
}

/** Reads every pack below the folder. What a damaged one holds counts as not there. */
export const readPacks = (folder: string, keys: VaultKeys): Read => {
  const places = new Map<string, Place>()
  for (const path of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (!/^[0-9a-f]{2}[/\\][0-9a-f]{64}$/.test(path)) continue
    trying(path, () => readDirectory(join(folder, path), keys).forEach(([id, place]) => places.set(id, place)))
  }
  const opened = new Map<Segment, Uint8Array>()
  const chunkIdKey = keyOf(keys, 0, 'chunk-id')
  const chunk = (kind: number, id: string): Uint8Array => {
    const place = places.get(id)
    demand(place !== undefined && place.segment.entry.number(1) === kind, `no whole pack holds chunk ${id}`)
    const plaintext = opened.get(place.segment) ?? openSegment(place.segment, keys)
    opened.set(place.segment, plaintext)
    for (const oldest of opened.keys()) if (opened.size > 16) opened.delete(oldest)
    const bytes = plaintext.subarray(place.start, place.end)
    const actual = createHmac('sha256', chunkIdKey).update(Uint8Array.of(kind)).update(bytes).digest('hex')
    demand(actual === id, `other bytes lie in the place of chunk ${id}`)
    return bytes
  }
  function* chunkIds(ids: string[], depth: number): Generator<string, void, void> {
    if (depth === 0) yield* ids
    else for (const id of ids) yield* chunkIds(hexOf(chunk(kinds.list, id)).match(/.{64}/g) ?? [], depth - 1)
  }
  return function* read(kind, content) {
    const [depth, ids] = [content.number(2), content.list(3).map(hexOf)]
    demand(depth <= 3 && ids.length <= 1000, 'a content has more lists or chunks than is allowed')
    let left = content.number(1)
    for (const id of chunkIds(ids, depth)) {
      const bytes = chunk(kind, id)
      left -= bytes.length
      demand(left >= 0, 'a content has more bytes than it says')
      yield bytes
    }
    demand(left === 0, `a content lacks ${left} of its bytes`)
  }
}

const readDirectory = (path: string, keys: VaultKeys): [string, Place][] => {
  const bytes = readFileSync(path)
  demand(path.endsWith(hash('sha256', bytes)), 'its bytes do not have its name')
  const magic = bytes.toString('latin1', 0, 4) + bytes.toString('latin1', bytes.length - 4)
  const isPack = bytes.length >= 60 && magic === 'ASPKKPSA' && bytes.readUInt32BE(4) === 0x10000
  demand(isPack, 'it is no pack of a version that this program knows')
  const [epoch, start] = [bytes.readUInt32BE(8), bytes.length - 8 - bytes.readUInt32BE(bytes.length - 8)]
  demand(start >= 12, 'its directory does not fit in it')
  const bound = context('directory', keys.vaultId, epoch)
  const directory = open(keyOf(keys, epoch, 'index'), bytes.subarray(start, -8), bound, 'its directory')
  const places: [string, Place][] = []
  let at = 12
  for (const bytes of new Message('its directory', directory, 2).list(1)) {
    const entry = new Message('a segment', bytes, 5)
    const segment = { path, start: at, epoch, entry }
    let within = 0
    for (const chunk of entry.list(5).map((bytes) => new Message('a chunk', bytes, 2))) {
      places.push([hexOf(chunk.bytes(1, 32)), { segment, start: within, end: (within += chunk.number(2)) }])
    }
    at += entry.number(3)
    demand(within === entry.number(4) && at <= start, 'its segments or chunks do not fit in it')
  }
  return places
}

const openSegment = ({ path, start, epoch, entry }: Segment, keys: VaultKeys): Uint8Array => {
  const [kind, compression, length, plain] = [entry.number(1), entry.number(2), entry.number(3), entry.number(4)]
  const isKnown = kind >= 1 && kind <= 4 && (compression === 1 || compression === 2) && plain <= 4 * 1024 * 1024
  demand(isKnown, 'a segment has a kind, compression or length that this program does not know')
  const sealed = new Uint8Array(length)
  using files = new DisposableStack()
  readSync(files.adopt(openSync(path, 'r'), closeSync), sealed, 0, length, start)
  const key = keyOf(keys, epoch, kind === kinds.index ? 'index' : 'content')
  const stored = open(key, sealed, context('segment', keys.vaultId, epoch, kind, compression, plain), 'a segment')
  const params = { [constants.ZSTD_d_windowLogMax]: 22 }
  return compression === 1 ? stored : zstdDecompressSync(stored, { maxOutputLength: plain, params })
}
