/**
 * Lines out of a stream of bytes, each of a bounded length: whoever sends without end is refused, not collected.
 */
import { SyncError } from '@anysync/protocol/errors.ts'

/** Calls back with each whole line. The function that it returns throws `invalid` at a line that is too long or no UTF-8. */
export const lineReader = (
  bytesMax: number,
  onLine: (line: string) => void,
): ((bytes: Uint8Array | string) => void) => {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let parts: Uint8Array[] = []
  let length = 0
  return (bytes) => {
    let rest = typeof bytes === 'string' ? Buffer.from(bytes) : bytes
    for (let end = rest.indexOf(lineFeed); end >= 0; end = rest.indexOf(lineFeed)) {
      checkLength(length + end, bytesMax)
      const line = decode(decoder, [...parts, rest.subarray(0, end)])
      rest = rest.subarray(end + 1)
      parts = []
      length = 0
      onLine(line)
    }
    length += rest.length
    checkLength(length, bytesMax)
    if (rest.length > 0) parts.push(rest)
  }
}

const lineFeed = 0x0a

const checkLength = (length: number, bytesMax: number): void => {
  if (length > bytesMax) throw new SyncError('daemon.read', 'invalid', `a line is longer than ${bytesMax} bytes`)
}

const decode = (decoder: TextDecoder, parts: Uint8Array[]): string => {
  try {
    return decoder.decode(Buffer.concat(parts))
  } catch (error) {
    throw new SyncError('daemon.read', 'invalid', 'a line is not UTF-8', error)
  }
}
