/**
 * Reads the messages that are stored and sealed. Stricter than Protocol Buffers ask: one message has one form, so there is
 * no room for bytes that a reader skips.
 */
import { fromBinary, toBinary, type DescMessage, type MessageShape } from '@bufbuild/protobuf'
import { demand, SyncError } from '@anysync/protocol/errors.ts'
import { equalBytes } from './bytes.ts'

/**
 * The message that these bytes are the one serialised form of: fields in order, none unknown, none twice. Throws
 * `corrupt`, and the sentence begins with `name`, what a person calls the bytes.
 */
export const parseMessage = <Desc extends DescMessage>(
  schema: Desc,
  bytes: Uint8Array,
  operation: string,
  name: string,
): MessageShape<Desc> => {
  const message = readMessage(schema, bytes, operation, name)
  const isExact = equalBytes(toBinary(schema, message), bytes)
  demand(isExact, operation, 'corrupt', `${name} has bytes that do not belong there`)
  return message
}

const readMessage = <Desc extends DescMessage>(
  schema: Desc,
  bytes: Uint8Array,
  operation: string,
  name: string,
): MessageShape<Desc> => {
  try {
    return fromBinary(schema, bytes, { readUnknownFields: false })
  } catch (error) {
    throw new SyncError(operation, 'corrupt', `${name} is damaged and cannot be read`, error)
  }
}
