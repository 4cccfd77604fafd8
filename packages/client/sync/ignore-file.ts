/**
 * `.anysyncignore`, the file in the root of a linked folder whose lines say what is not synced. It is synced itself, so
 * every device leaves out the same. A file that cannot be read as one stops the turn: to take no notice of it would send
 * what somebody wanted to keep at home.
 */
import { demand, isTrouble, SyncError } from '@anysync/protocol/errors.ts'
import { ignoreBytesMax } from '@anysync/protocol/limits.ts'
import type { Disk } from '../ports.ts'

export const ignoreFileName = '.anysyncignore'

const operation = 'ignore.read'

/** Its text as the disk holds it; null when there is none. `invalid` when it is no text, too large, or no file. */
export const readIgnoreText = async (disk: Disk): Promise<string | null> => {
  const found = await disk.lstat(ignoreFileName)
  if (found === null) return null
  demand(found.kind === 'file', operation, 'invalid', `${ignoreFileName} is not a file: put a plain text file there`)
  demand(found.size <= ignoreBytesMax, operation, 'invalid', tooLarge)
  try {
    await using file = await disk.openFile(ignoreFileName)
    // One more than there may be, for a file that grew meanwhile.
    const buffer = new Uint8Array(ignoreBytesMax + 1)
    let length = 0
    for (let got = -1; got !== 0 && length < buffer.length; length += got) {
      got = await file.read(buffer.subarray(length), length)
    }
    return parseIgnoreText(buffer.subarray(0, length))
  } catch (error) {
    // It went away between the two looks.
    if (isTrouble(error, 'missing')) return null
    throw error
  }
}

/** Throws `invalid` for what is larger than 1 MiB or not UTF-8. Lines are not judged: an odd one matches nothing. */
export const parseIgnoreText = (bytes: Uint8Array): string => {
  demand(bytes.length <= ignoreBytesMax, operation, 'invalid', tooLarge)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (error) {
    throw new SyncError(operation, 'invalid', `${ignoreFileName} is not UTF-8: save it as UTF-8, or remove it`, error)
  }
}

const tooLarge = `${ignoreFileName} is larger than ${ignoreBytesMax} bytes: shorten it, or remove it`
