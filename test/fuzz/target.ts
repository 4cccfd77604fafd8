/**
 * What a parser is called with, and what it may do: the kinds of targets that inputs nobody would write are thrown at.
 */
import { fromBinary, toBinary, type DescMessage, type MessageShape } from '@bufbuild/protobuf'
import { parseAnswer } from '@anysync/cli/ports/answers.ts'
import { SyncError } from '@anysync/protocol/errors.ts'

export type Target = {
  name: string
  valid: Uint8Array[]
  /**
   * What a reader does with the bytes. Throws SyncErrors only. For what has one form only, gives the bytes that it would
   * write of what it read; for what is authenticated, its accepting alone is a failure.
   */
  read: (bytes: Uint8Array) => Uint8Array | null | Promise<Uint8Array | null>
  isAuthenticated: boolean
}

export const authenticated = (name: string, valid: Uint8Array[], read: (bytes: Uint8Array) => unknown): Target => ({
  name,
  valid,
  isAuthenticated: true,
  read: (bytes) => {
    read(bytes)
    return null
  },
})

/** The stand-alone decryptor tells every error in one line, whatever its kind; it must take nothing that was altered. */
export const decryptor = (what: string, valid: Uint8Array[], read: (bytes: Uint8Array) => unknown): Target =>
  authenticated(`${what}, by the decryptor`, valid, (bytes) => {
    try {
      read(bytes)
    } catch (error) {
      throw new SyncError('decrypt', 'corrupt', 'refused', error)
    }
  })

export const canonical = (name: string, valid: Uint8Array[], read: Target['read']): Target => ({
  name,
  valid,
  isAuthenticated: false,
  read,
})

/** An answer of the server, as Connect hands it to its parser. */
export const answer = <Desc extends DescMessage>(
  schema: Desc,
  valid: MessageShape<Desc>,
  parse: (message: MessageShape<Desc>) => unknown,
): Target => ({
  name: `the answer ${schema.name}`,
  valid: [toBinary(schema, valid)],
  isAuthenticated: false,
  read: (bytes) => {
    const message = decode(schema, bytes)
    parseAnswer('fuzz', () => parse(message))
    return null
  },
})

/** What Connect does before: bytes that are no message are an error of the line. */
const decode = <Desc extends DescMessage>(schema: Desc, bytes: Uint8Array): MessageShape<Desc> => {
  try {
    return fromBinary(schema, bytes)
  } catch (error) {
    throw new SyncError('fuzz', 'unavailable', 'no message', error)
  }
}
