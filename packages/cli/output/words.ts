/**
 * Numbers, times and names as people read them.
 */

const units = ['KiB', 'MiB', 'GiB', 'TiB', 'PiB']

/** 1536 → '1.5 KiB'. */
export const formatBytes = (bytes: number): string => {
  if (bytes < 1024) return `${bytes} B`
  let value = bytes / 1024
  let unit = 0
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1024
    unit += 1
  }
  return `${value < 10 ? value.toFixed(1) : value.toFixed(0)} ${units[unit] ?? ''}`
}

/** 12345 → '12,345'. By itself, because the first `toLocaleString` of a process takes longer than all else that is printed. */
export const formatCount = (count: number): string => String(count).replaceAll(/\B(?=(?:\d{3})+$)/g, ',')

/** '1 file', '2 files'. */
export const counted = (count: number, one: string, many = `${one}s`): string =>
  `${formatCount(count)} ${count === 1 ? one : many}`

/** 95 → '1 min 35 s'. */
export const formatSeconds = (seconds: number): string => {
  const whole = Math.max(1, Math.round(seconds))
  if (whole < 60) return `${whole} s`
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`
}

/** Nanoseconds since 1970 as ISO 8601 in UTC with all their digits: '2026-11-23T12:00:00.123456789Z'. */
export const isoTime = (timeNs: bigint): string => {
  const nanoseconds = ((timeNs % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n
  const seconds = new Date(Number((timeNs - nanoseconds) / 1_000_000n)).toISOString().slice(0, -5)
  return `${seconds}.${nanoseconds.toString().padStart(9, '0')}Z`
}

/** The same to the second in this computer's time zone: '2026-11-23 13:00:00'. */
export const localTime = (timeNs: bigint): string => {
  const date = new Date(Number(timeNs / 1_000_000n))
  const day = [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join('-')
  return `${day} ${[date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':')}`
}

const two = (value: number): string => String(value).padStart(2, '0')

/**
 * A text that others chose, made safe for a terminal: control characters, which could recolour, retitle or rewrite
 * the screen, are shown by number; so are the marks that turn the direction of writing around.
 */
export const shown = (text: string): string =>
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  text.replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, (character) => {
    const code = character.charCodeAt(0)
    return code < 256 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`
  })
