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
  /** What nobody holds is kept for later no more. */
  forget(): void
}

/** `isPassing`: memory is kept for later only while some of it is in use: who has done all that he wanted holds none. */
export const createWindows = (allocate: (length: number) => Uint8Array, { isPassing = false } = {}): Windows => {
  const free: Uint8Array[] = []
  let inUse = 0
  return {
    take(length) {
      const fitting = free.findIndex((memory) => memory.length >= length && memory.length <= wasteMax * length)
      const memory = free.splice(fitting, fitting < 0 ? 0 : 1)[0] ?? allocate(roomFor(length))
      let holders = 1
      inUse += 1
      return {
        memory,
        hold: () => void holders++,
        release() {
          if (--holders > 0) return
          free.push(memory)
          if (free.length > freeMax) free.shift()
          inUse -= 1
          if (isPassing && inUse === 0) free.splice(0)
        },
      }
    },
    forget: () => void free.splice(0),
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
  const fill = async (start: number, most: number): Promise<Filled> => {
    const window = windows.take(start + most)
    const length = await source.read(window.memory.subarray(start, start + most))
    return { window, start, end: start + length, isLast: length < most }
  }
  // Nothing lies in front of the first. With room for one byte more than is expected, most sources end in it.
  let current: Filled | null = await fill(0, Math.min(source.size + 1, windowBytes))
  while (current !== null) {
    const { window, start, end, isLast }: Filled = current
    const [plaintexts, next]: [Uint8Array[], Filled | null] = await Promise.all([
      cut(window.memory.subarray(start, end), isLast),
      isLast ? null : fill(chunkBytesMax, windowBytes),
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
}

type Filled = { window: Window; start: number; end: number; isLast: boolean }
