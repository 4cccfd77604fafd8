/**
 * How long the padding of a message is, so that the message gets just the length that it shall have.
 */

/**
 * The zeros in a padding field, one of bytes with a number below 16, that takes this much room with its tag (1) and its
 * length (1 to 4). Null when no such field does: where the length begins to need another byte, one room is passed over.
 */
export const paddingOfRoom = (room: number): number | null => {
  for (let lengthBytes = 1; lengthBytes <= 4; lengthBytes++) {
    const padding = room - 1 - lengthBytes
    if (padding >= 128 ** (lengthBytes - 1) && padding < 128 ** lengthBytes) return padding
  }
  return null
}
