/**
 * Sizes and durations as people write them.
 */
import { demand } from './errors.ts'

const bytesByUnit = new Map([
  ['', 1],
  ['B', 1],
  ['KB', 1e3],
  ['MB', 1e6],
  ['GB', 1e9],
  ['TB', 1e12],
  ['KiB', 2 ** 10],
  ['MiB', 2 ** 20],
  ['GiB', 2 ** 30],
  ['TiB', 2 ** 40],
])

const msByUnit = new Map([
  ['s', 1000],
  ['m', 60_000],
  ['h', 3600_000],
  ['d', 86_400_000],
  ['w', 7 * 86_400_000],
])

/** '50GB' → 50,000,000,000. Throws `invalid`. */
export const parseSize = (text: string): number =>
  scaled(
    text,
    bytesByUnit,
    `'${text}' is not a size: write a number with B, KB, MB, GB, TB or KiB, MiB, GiB, TiB, as in 50GB`,
  )

/** '7d' → milliseconds. Throws `invalid`. */
export const parseDuration = (text: string): number =>
  scaled(text, msByUnit, `'${text}' is not a duration: write a number with s, m, h, d or w, as in 7d`)

const scaled = (text: string, scaleByUnit: Map<string, number>, message: string): number => {
  const match = /^(\d{1,12}(?:\.\d{1,6})?) ?([A-Za-z]*)$/.exec(text.trim())
  const scale = scaleByUnit.get(match?.[2] ?? '-')
  const value = Math.round(Number(match?.[1] ?? Number.NaN) * (scale ?? Number.NaN))
  demand(Number.isSafeInteger(value) && value > 0, 'size.parse', 'invalid', message)
  return value
}
