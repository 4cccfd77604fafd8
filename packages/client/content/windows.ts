/**
 * Reads a source through windows: pieces of memory that are filled while the one before is cut, and used again when
 * nothing holds them any more. So every chunk lies in one piece, and is not copied on its way.
 */
import { KiB, MiB, windowBytes } from '@anysync/protocol/limits.ts'
import type { Source } from './identify.ts'

export type Window = {
  readonly memory: Uint8Array
  /** Its bytes are needed until as many releases have come. */
  hold: () => void
  release: () => void
}

export type Windows = {
  /** Memory of at least so many bytes, held once by who takes it. */
  take(length: number): Window
}

export const createWindows = (allocate: (length: number) => Uint8Array): Windows => {
  const free: Uint8Array[] = []
  return {
    take(length) {
      const fitting = free.findIndex((memory) => memory.length >= length && memory.length <= wasteMax * length)
      const memory = free.splice(fitting, fitting < 0 ? 0 : 1)[0] ?? allocate(roomFor(length))
      let holders = 1
      return {
        memory,
        hold: () => void holders++,
        release() {
          if (--holders > 0) return
          free.push(memory)
          if (free.length > freeMax) free.shift()
        },
      }
    },
  }
}

/** More than are ever in use at once are not kept for later. */
const freeMax = 8
/** What is larger than this many times the need is left for others. */
const wasteMax = 4

/** Needs differ by little from one to the next, and each is to fit where the one before it lay. */
const roomFor = (length: number): number => {
  const step = length > MiB ? MiB : 64 * KiB
  return Math.max(1, Math.ceil(length / step)) * step
}

/** What `cut` made of a window: chunks from its first byte on. They lie in the window, which is held while they are looked at. */
export type CutWindow = { plaintexts: Uint8Array[]; window: Window | null }

/**
 * The chunks of a source, a window at a time. `chunkBytesMax` is the most that a window may leave to the next. While one
 * is cut the next is filled.
 */
export async function* cutSource(
  source: Source,
  windows: Windows,
  chunkBytesMax: number,
  cut: (bytes: Uint8Array, isLast: boolean) => Promise<Uint8Array[]>,
): AsyncGenerator<CutWindow, void, void> {
  if (source instanceof Uint8Array) {
    yield { plaintexts: await cut(source, true), window: null }
    return
  }
  // What the window before leaves is copied in front of what was read meanwhile.
  const fill = async (read: Reader): Promise<Filled> => {
    const window = windows.take(chunkBytesMax + windowBytes)
    const length = await read(window.memory.subarray(chunkBytesMax, chunkBytesMax + windowBytes))
    return { window, start: chunkBytesMax, end: chunkBytesMax + length, isLast: length < windowBytes }
  }
  const iterator = source[Symbol.asyncIterator]()
  try {
    // Most sources are one portion: they need no window.
    const first = await copyOf(iterator, windows)
    const second = await iterator.next()
    if (second.done === true) {
      yield { plaintexts: await cut(first.bytes, true), window: first.window }
      first.window.release()
      return
    }
    const read = readerOf(iterator, [first.bytes, second.value])
    let current: Filled | null = await fill(read)
    // All of it lies in the window now, unless portions are larger than windows.
    if (first.bytes.length <= windowBytes) first.window.release()
    while (current !== null) {
      const { window, start, end, isLast }: Filled = current
      const [plaintexts, next]: [Uint8Array[], Filled | null] = await Promise.all([
        cut(window.memory.subarray(start, end), isLast),
        isLast ? null : fill(read),
      ])
      yield { plaintexts, window }
      const rest = window.memory.subarray(
        plaintexts.reduce((sum, { length }) => sum + length, start),
        end,
      )
      if (next !== null) {
        next.start -= rest.length
        next.window.memory.set(rest, next.start)
      }
      window.release()
      current = next
    }
  } finally {
    await iterator.return?.()
  }
}

type Filled = { window: Window; start: number; end: number; isLast: boolean }

/** Fills memory as far as the source goes; the bytes that came. */
type Reader = (memory: Uint8Array) => Promise<number>

const copyOf = async (
  portions: AsyncIterator<Uint8Array>,
  windows: Windows,
): Promise<{ window: Window; bytes: Uint8Array }> => {
  const { done, value } = await portions.next()
  const length = done === true ? 0 : value.length
  const window = windows.take(length)
  if (done !== true) window.memory.set(value)
  return { window, bytes: window.memory.subarray(0, length) }
}

/** Reads the portions that came already, and then on. */
const readerOf = (portions: AsyncIterator<Uint8Array>, came: Uint8Array[]): Reader => {
  const more = async (): Promise<Uint8Array | null> => {
    const next = came.shift()
    if (next !== undefined) return next
    const { done, value } = await portions.next()
    return done === true ? null : value
  }
  let rest: Uint8Array | null = new Uint8Array(0)
  return async (memory) => {
    let filled = 0
    while (rest !== null && filled < memory.length) {
      if (rest.length === 0) rest = await more()
      if (rest === null) break
      const part: Uint8Array = rest.subarray(0, memory.length - filled)
      memory.set(part, filled)
      filled += part.length
      rest = rest.subarray(part.length)
    }
    return filled
  }
}
