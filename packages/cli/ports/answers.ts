/**
 * What the server answered, as the client's own types. A server may send anything: what does not parse is `corrupt`.
 */
import { isTrouble, SyncError } from '@anysync/protocol/errors.ts'
import { recordHashFromBytes } from '@anysync/protocol/ids.ts'
import type { LogHead } from '@anysync/client/ports.ts'
import type { Head } from '@anysync/protocol/gen/anysync/v1/vault_pb.js'

/** Runs a parser over an answer. */
export const parseAnswer = <Parsed>(operation: string, parse: () => Parsed): Parsed => {
  try {
    return parse()
  } catch (error) {
    if (!isTrouble(error, 'invalid')) throw error
    throw new SyncError(operation, 'corrupt', `the server's answer makes no sense: ${error.message}`, error)
  }
}

/** A count that fits a number. */
export const parseCount = (value: bigint): number => {
  const count = Number(value)
  if (!Number.isSafeInteger(count) || count < 0) throw new SyncError('answer', 'invalid', `${value} is out of bounds`)
  return count
}

/** Bytes of a given length. */
export const parseBytes = (what: string, bytes: Uint8Array, length: number): Uint8Array => {
  if (bytes.length !== length) {
    throw new SyncError('answer', 'invalid', `the ${what} is ${bytes.length} bytes, it must be ${length}`)
  }
  return bytes
}

/** Null for an empty log. */
export const parseHead = (head: Head | undefined): LogHead | null => {
  const sequence = parseCount(head?.sequence ?? 0n)
  if (head === undefined || sequence === 0) return null
  return { sequence, hash: recordHashFromBytes(head.hash) }
}
