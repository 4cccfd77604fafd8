/**
 * Reads by hand, field by field, the messages that come once or more for every file: of all that a large pull reckons, the
 * library that reads the others took a tenth. As strict as `parseMessage`: each has the one form that docs/format.md, 3,
 * tells, so that there is no room for bytes that a reader skips.
 */
import { SyncError } from '@anysync/protocol/errors.ts'

/** What is said of bytes that cannot be read: the operation, and what a person calls them. */
export type Told = { operation: string; name: string }

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Halves of a number of 64 bits, and the number. */
const halves = new DataView(new ArrayBuffer(8))

export class MessageReader {
  readonly #bytes: Uint8Array
  readonly #told: Told
  #at: number
  readonly #end: number
  /** Number and wire type of the field whose value comes next. */
  #field = 0
  #type = 0

  /** The message is the bytes from `start` to `end`. */
  constructor(bytes: Uint8Array, told: Told, start = 0, end = bytes.length) {
    this.#bytes = bytes
    this.#told = told
    this.#at = start
    this.#end = end
  }

  /** The number of the next field, 0 at the end of the message. Fields come in order, each once but for the list. */
  next(list = 0): number {
    if (this.#at === this.#end) return 0
    const key = this.#varint()
    const field = key >>> 3
    if (field < this.#field || (field === this.#field && field !== list) || field === 0) this.refuse()
    this.#field = field
    this.#type = key & 7
    return field
  }

  uint32(): number {
    this.#expect(0)
    return this.#varint() || this.refuse()
  }

  uint64(): bigint {
    this.#readHalves()
    return halves.getBigUint64(0) || this.refuse()
  }

  sint64(): bigint {
    this.#readHalves()
    const high = halves.getUint32(0)
    const low = halves.getUint32(4)
    if (high === 0 && low === 0) this.refuse()
    const sign = -(low & 1)
    halves.setUint32(0, (high >>> 1) ^ sign)
    halves.setUint32(4, ((low >>> 1) | (high << 31)) ^ sign)
    return halves.getBigInt64(0)
  }

  /** A part of the bytes that are read. */
  bytes(): Uint8Array {
    const length = this.#length()
    if (length === 0) this.refuse()
    this.#at += length
    return this.#bytes.subarray(this.#at - length, this.#at)
  }

  text(): string {
    try {
      return decoder.decode(this.bytes())
    } catch (error) {
      if (error instanceof TypeError) this.refuse()
      throw error
    }
  }

  /** A message within this one. */
  message(): MessageReader {
    const length = this.#length()
    this.#at += length
    return new MessageReader(this.#bytes, this.#told, this.#at - length, this.#at)
  }

  /** Throws `corrupt`: these bytes are no message of this kind, or not in its one form. */
  refuse(): never {
    const { operation, name } = this.#told
    throw new SyncError(operation, 'corrupt', `${name} is damaged and cannot be read`)
  }

  #expect(type: number): void {
    if (this.#type !== type) this.refuse()
  }

  /** Of the bytes that follow. */
  #length(): number {
    this.#expect(2)
    const length = this.#varint()
    return length > this.#end - this.#at ? this.refuse() : length
  }

  #byte(): number {
    const byte = this.#at < this.#end ? this.#bytes[this.#at++] : undefined
    return byte ?? this.refuse()
  }

  /** A number of 32 bits, in no more bytes than it needs. */
  #varint(): number {
    const first = this.#byte()
    if (first < 0x80) return first
    let value = first & 0x7f
    for (let factor = 0x80; factor <= 0x1000_0000; factor *= 0x80) {
      const byte = this.#byte()
      value += (byte & 0x7f) * factor
      if (byte < 0x80) return byte === 0 || value > 0xffff_ffff ? this.refuse() : value
    }
    return this.refuse()
  }

  /** A number of 64 bits, in no more bytes than it needs, in two halves. */
  #readHalves(): void {
    this.#expect(0)
    /** 28, 28 and 8 bits. */
    let low = 0
    let middle = 0
    let high = 0
    for (let count = 0; count < 10; count++) {
      const byte = this.#byte()
      const bits = (byte & 0x7f) << (7 * (count & 3))
      if (count < 4) low |= bits
      else if (count < 8) middle |= bits
      else high |= bits
      if (byte >= 0x80) continue
      if ((byte === 0 && count > 0) || high > 0xff) this.refuse()
      halves.setUint32(0, (middle >>> 4) | (high << 24))
      halves.setUint32(4, low | (middle << 28))
      return
    }
    this.refuse()
  }
}
