/**
 * What the benches of the data path push: a tree like that of a programmer, made of this project's own installed
 * packages, and one large file that shrinks by about a half. Both are the same on every machine with the same lock file.
 */
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, statSync, writeFileSync, writeSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { projectRoot } from '../test/sources.ts'
import { Dice } from '../test/support/dice.ts'

const MiB = 1024 * 1024

/** Programs and other giants are no part of a tree of sources. */
const sourceBytesMax = MiB

/** Makes so many files below the folder, and returns their bytes. Files that are taken again are not the same again. */
export const makeTree = (root: string, files: number, seed: string): number => {
  const from = join(projectRoot, 'node_modules')
  const sources = packageFiles(from)
  let bytes = 0
  for (let index = 0; index < files; index++) {
    const source = sources[index % sources.length] ?? ''
    const copy = Math.floor(index / sources.length)
    const content = varied(readFileSync(join(from, source)), copy === 0 ? null : new Dice(`${seed} ${index}`))
    const path = join(root, `copy ${copy}`, source)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, content)
    bytes += content.length
  }
  return bytes
}

/** Every file of ordinary size, in the order of its path. */
const packageFiles = (root: string): string[] =>
  readdirSync(root, { recursive: true, withFileTypes: true })
    .filter(
      (found) => found.isFile() && !/\/node_modules\/\.(cache|package-lock)/.test(join(found.parentPath, found.name)),
    )
    .map((found) => join(found.parentPath, found.name).slice(root.length + 1))
    .filter((path) => statSync(join(root, path)).size <= sourceBytesMax)
    .toSorted()

/** How often a copy differs from what it is a copy of: so that no chunk and no long run is the same. */
const variedEveryBytes = 512

const varied = (bytes: Buffer, dice: Dice | null): Buffer => {
  if (dice === null) return bytes
  const marks = dice.bytes(3 * Math.ceil(bytes.length / variedEveryBytes))
  const parts: Buffer[] = []
  for (let start = 0, mark = 0; start < bytes.length; start += variedEveryBytes, mark += 3)
    parts.push(Buffer.from(marks.toString('hex', mark, mark + 3)), bytes.subarray(start, start + variedEveryBytes))
  return Buffer.concat(parts)
}

const blockBytes = 256 * 1024
/** Of the blocks: the others are lines of words. */
const noiseShare = 0.35

/** Writes a file of so many bytes: noise and lines of words, in turns that the seed decides. */
export const makeLargeFile = (path: string, bytes: number, seed: string): void => {
  const dice = new Dice(`large ${seed}`)
  const lines = makeLines(dice, 4096)
  const descriptor = openSync(path, 'w')
  try {
    for (let written = 0; written < bytes;) {
      const length = Math.min(blockBytes, bytes - written)
      const isNoise = dice.fraction() < noiseShare
      written += writeSync(descriptor, isNoise ? dice.bytes(length) : wordsOf(dice, lines, length))
    }
  } finally {
    closeSync(descriptor)
  }
}

/** The same file with so many short inserts, at places that the seed decides: what a person edits in a large file. */
export const insertInto = (path: string, inserts: number, seed: string): void => {
  const dice = new Dice(`inserts ${seed}`)
  const before = readFileSync(path)
  const places = Array.from({ length: inserts }, () => dice.below(before.length)).toSorted((a, b) => a - b)
  const descriptor = openSync(path, 'w')
  try {
    let from = 0
    for (const to of [...places, before.length]) {
      writeWhole(descriptor, before.subarray(from, to))
      if (to < before.length) writeWhole(descriptor, dice.bytes(1 + dice.below(200)))
      from = to
    }
  } finally {
    closeSync(descriptor)
  }
}

const writeWhole = (descriptor: number, bytes: Buffer): void => {
  for (let at = 0; at < bytes.length;) at += writeSync(descriptor, bytes, at, Math.min(bytes.length - at, 64 * MiB))
}

const makeLines = (dice: Dice, count: number): Buffer[] => {
  const words = Array.from({ length: 2000 }, () => dice.bytes(2 + dice.below(4)).toString('hex'))
  return Array.from({ length: count }, () => {
    const numbers = dice.bytes(24)
    const line = Array.from(
      { length: 4 + ((numbers[0] ?? 0) % 8) },
      (_, i) => words[numbers.readUInt16LE(2 + 2 * (i % 8)) % words.length],
    )
    return Buffer.from(`${line.join(' ')}\n`)
  })
}

const wordsOf = (dice: Dice, lines: Buffer[], length: number): Buffer => {
  const block = Buffer.alloc(length)
  const picks = dice.bytes(2 * Math.ceil(length / 8))
  for (let at = 0, pick = 0; at < length; pick += 2) {
    const line = lines[picks.readUInt16LE(pick) % lines.length]
    at += line?.copy(block, at) ?? 0
  }
  return block
}
