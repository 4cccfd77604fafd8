/**
 * How fast bytes may travel, by the time of day: `2 MB/s`, or `08:00-18:00 1MB/s, else 20MB/s`. Times are local ones.
 */
import { demand, SyncError } from '@anysync/protocol/errors.ts'
import { paceBytesPerSecondMin } from '@anysync/protocol/limits.ts'
import { parseSize } from '@anysync/protocol/sizes.ts'

/** Bytes per second; null: as fast as it goes. */
export type Rate = number | null

export type Rates = {
  /** The first that holds the minute counts. One that ends before it begins goes over midnight. */
  windows: { fromMinute: number; untilMinute: number; rate: Rate }[]
  otherwise: Rate
}

export const unlimited: Rates = { windows: [], otherwise: null }

const operation = 'settings.rate'
const minutesOfDay = 24 * 60

/** The rate in a minute of the day, 0 to 1439. */
export const rateAt = ({ windows, otherwise }: Rates, minute: number): Rate => {
  const window = windows.find(({ fromMinute, untilMinute }) =>
    fromMinute < untilMinute
      ? minute >= fromMinute && minute < untilMinute
      : minute >= fromMinute || minute < untilMinute,
  )
  return window === undefined ? otherwise : window.rate
}

/** The minute of the local day. */
export const localMinute = (timeNs: bigint): number => {
  const date = new Date(Number(timeNs / 1_000_000n))
  return date.getHours() * 60 + date.getMinutes()
}

/** Throws `invalid` with the form and an example. */
export const parseRates = (text: string): Rates => {
  const parts = text.split(',').map((part) => part.trim())
  const [only = ''] = parts
  if (parts.length === 1 && !/^\d{1,2}:|^else\b/.test(only)) return { windows: [], otherwise: parseRate(only) }
  const rates: Rates = { windows: [], otherwise: null }
  for (const [index, part] of parts.entries()) {
    const [, otherwise] = /^else\s+(.*)$/.exec(part) ?? []
    if (otherwise !== undefined) {
      demand(index === parts.length - 1, operation, 'invalid', `'${text}' has something behind 'else': ${form}`)
      rates.otherwise = parseRate(otherwise)
      continue
    }
    const [, from, until, rate] = /^(\d{1,2}:\d{2}) ?- ?(\d{1,2}:\d{2})\s+(.*)$/.exec(part) ?? []
    if (from === undefined || until === undefined || rate === undefined) throw refuse(`'${part}' is no rate for a time`)
    const window = { fromMinute: parseMinute(from), untilMinute: parseMinute(until), rate: parseRate(rate) }
    demand(window.fromMinute !== window.untilMinute, operation, 'invalid', `'${part}' is no time at all: ${form}`)
    rates.windows.push(window)
  }
  return rates
}

const form = 'write a rate as in 2MB/s, or by the time of day as in 08:00-18:00 1MB/s, else 20MB/s; off is no limit'

const refuse = (what: string): SyncError => new SyncError(operation, 'invalid', `${what}: ${form}`)

const parseRate = (text: string): Rate => {
  if (text === 'off' || text === 'none') return null
  const [, size] = /^(.*\S)\s*\/\s*s$/.exec(text) ?? []
  if (size === undefined || !/^[\d.]+ ?[A-Za-z]+$/.test(size)) throw refuse(`'${text}' is no rate`)
  const bytes = parseSizeOf(text, size)
  const least = `'${text}' is slower than the ${paceBytesPerSecondMin / 1000} KB/s below which servers hang up`
  demand(bytes >= paceBytesPerSecondMin, operation, 'invalid', `${least}: ${form}`)
  return bytes
}

const parseSizeOf = (text: string, size: string): number => {
  try {
    return parseSize(size)
  } catch (error) {
    throw new SyncError(operation, 'invalid', `'${text}' is no rate: ${form}`, error)
  }
}

/** '24:00' is the end of the day. */
const parseMinute = (text: string): number => {
  const [hours = 0, minutes = 0] = text.split(':').map(Number)
  const minute = hours * 60 + minutes
  demand(minutes < 60 && minute <= minutesOfDay, operation, 'invalid', `'${text}' is no time of day: ${form}`)
  return minute
}
