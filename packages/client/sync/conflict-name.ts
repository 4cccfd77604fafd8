/**
 * The name of a conflict copy: `name (conflict <device> <yyyy-mm-dd hhmmss>).ext`. It is made once, by the device
 * whose edit came second, and travels like any other name, so it is the same everywhere.
 */
import { nameBytesMax } from '@anysync/protocol/limits.ts'

const encoder = new TextEncoder()

/** UTC, to the second. */
const stamp = (timeNs: bigint): string => {
  const iso = new Date(Number(timeNs / 1_000_000n)).toISOString()
  return `${iso.slice(0, 10)} ${iso.slice(11, 19).replaceAll(':', '')}`
}

/** What a device's name may bring into a file name on any system. */
const safeDeviceName = (name: string): string => {
  // oxlint-disable-next-line no-control-regex -- control characters are just what must not pass
  const safe = name.replace(/[\u0000-\u001f\u007f<>:"/\\|?*()]/g, '').trim()
  return safe === '' ? 'device' : safe
}

/** Splits before the last dot, unless the name begins with it: `.profile` has no extension. */
const splitName = (name: string): { stem: string; extension: string } => {
  const dot = name.lastIndexOf('.')
  return dot <= 0 ? { stem: name, extension: '' } : { stem: name.slice(0, dot), extension: name.slice(dot) }
}

/** The longest prefix of whole characters that fits. */
const clip = (text: string, bytesMax: number): string => {
  let clipped = ''
  let bytes = 0
  for (const character of text) {
    bytes += encoder.encode(character).length
    if (bytes > bytesMax) break
    clipped += character
  }
  return clipped
}

/** Whether a name was made so, by any device. A person may have given one like it: it is a hint for people. */
export const isConflictName = (name: string): boolean =>
  / \(conflict .+ \d{4}-\d\d-\d\d \d{6}(?: \d+)?\)(?:\.[^.]*)?$/.test(name)

/** A name that is not taken and at most 255 bytes long; the stem gives way first, then the extension. */
export const conflictName = (
  name: string,
  device: string,
  timeNs: bigint,
  isTaken: (name: string) => boolean,
): string => {
  const { stem, extension } = splitName(name)
  for (let attempt = 1; ; attempt++) {
    const mark = ` (conflict ${clip(safeDeviceName(device), 64)} ${stamp(timeNs)}${attempt === 1 ? '' : ` ${attempt}`})`
    const tail = clip(extension, 64)
    const room = nameBytesMax - encoder.encode(mark + tail).length
    const candidate = `${clip(stem, room)}${mark}${tail}`
    if (!isTaken(candidate)) return candidate
  }
}
