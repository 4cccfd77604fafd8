/**
 * A thread of `bare.ts`: takes files, or packs, one after the other, until none are left.
 */
import { createCipheriv, createDecipheriv, hash as hashOf, randomBytes } from 'node:crypto'
import {
  closeSync,
  constants as fileConstants,
  fchmodSync,
  fdatasyncSync,
  futimesSync,
  lstatSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { parentPort, workerData } from 'node:worker_threads'
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { asideOf, type Pack, type Piece, type Segment, type Task } from './bare-index.ts'

const KiB = 1024
const MiB = 1024 * KiB
const pieceBytes = MiB
const segmentBytes = 512 * KiB
const packBytes = 8 * MiB
const portionsAtOnce = 16
const nonceBytes = 12
const tagBytes = 16
/** Everybody's: what is measured is the work. */
const key = Buffer.alloc(32, 1)

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- given by `bare.ts`
const { job, store, folder, index, portions, counter } = workerData as Task

const seal = (plaintext: Uint8Array): Buffer => {
  const nonce = randomBytes(nonceBytes)
  const cipher = createCipheriv('aes-256-gcm', key, nonce)
  const frame = zstdCompressSync(plaintext, { params: { [constants.ZSTD_c_compressionLevel]: 3 } })
  return Buffer.concat([nonce, cipher.update(frame), cipher.final(), cipher.getAuthTag()])
}

const open = (sealed: Buffer): Buffer => {
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, nonceBytes))
  decipher.setAuthTag(sealed.subarray(-tagBytes))
  const frame = Buffer.concat([decipher.update(sealed.subarray(nonceBytes, -tagBytes)), decipher.final()])
  return zstdDecompressSync(frame)
}

const nameOf = (bytes: Uint8Array): string => hashOf('sha256', bytes, 'hex')

const push = (): Pack[] => {
  const packs: Pack[] = []
  let sealed: { segment: Segment; bytes: Buffer }[] = []
  let pieces: Piece[] = []
  const plaintext = Buffer.allocUnsafe(segmentBytes + pieceBytes)
  let filled = 0
  const closePack = (): void => {
    if (sealed.length === 0) return
    const bytes = Buffer.concat(sealed.map((segment) => segment.bytes))
    const name = nameOf(bytes)
    const file = openSync(join(store, name), 'w')
    writeSync(file, bytes)
    fdatasyncSync(file)
    closeSync(file)
    packs.push({ name, segments: sealed.map(({ segment }) => segment) })
    sealed = []
  }
  const closeSegment = (): void => {
    if (filled === 0) return
    const bytes = seal(plaintext.subarray(0, filled))
    sealed.push({ segment: { length: bytes.length, plainLength: filled, pieces }, bytes })
    pieces = []
    filled = 0
    if (sealed.reduce((sum, { segment }) => sum + segment.length, 0) >= packBytes) closePack()
  }
  for (let first = take(portionsAtOnce); first < portions.length; first = take(portionsAtOnce)) {
    for (const portion of portions.slice(first, first + portionsAtOnce)) {
      const { path = '', size = 0 } = index.files[portion.file] ?? {}
      const file = openSync(join(folder, path), 'r')
      for (let done = 0; done === 0 || done < portion.length; done += pieceBytes) {
        const offset = portion.offset + done
        const length = readSync(file, plaintext, filled, Math.min(pieceBytes, portion.length - done), offset)
        const hash = nameOf(plaintext.subarray(filled, filled + length))
        pieces.push({ file: portion.file, at: filled, offset, length, hash, isWhole: size <= pieceBytes })
        filled += length
        if (filled >= segmentBytes) closeSegment()
      }
      closeSync(file)
    }
  }
  closeSegment()
  closePack()
  return packs
}

/** Leaves nothing to remember. */
const restore = (): Pack[] => {
  const aside = asideOf(folder)
  for (let next = take(1); next < index.packs.length; next = take(1)) {
    const pack = index.packs[next]
    if (pack === undefined) break
    const bytes = readFileSync(join(store, pack.name))
    let start = 0
    for (const { length, pieces } of pack.segments) {
      const plaintext = open(bytes.subarray(start, start + length))
      start += length
      for (const piece of pieces) put(aside, piece, plaintext.subarray(piece.at, piece.at + piece.length))
    }
  }
  return []
}

const put = (aside: string, { file, offset, hash, isWhole }: Piece, bytes: Buffer): void => {
  if (nameOf(bytes) !== hash) throw new Error('other bytes came back')
  const known = index.files[file]
  if (known === undefined) throw new Error('a piece is of no file')
  const temp = join(aside, `${file}`)
  const descriptor = openSync(temp, isWhole ? 'wx' : fileConstants.O_WRONLY | fileConstants.O_CREAT)
  writeSync(descriptor, bytes, 0, bytes.length, offset)
  if (isWhole) {
    fchmodSync(descriptor, known.mode)
    futimesSync(descriptor, known.mtimeMs / 1000, known.mtimeMs / 1000)
  }
  closeSync(descriptor)
  if (!isWhole) return
  const path = join(folder, known.path)
  renameSync(temp, path)
  lstatSync(path)
}

const take = (many: number): number => Atomics.add(counter, 0, many)

const port = parentPort
port?.postMessage(job === 'push' ? push() : restore())
