/**
 * Writes by hand, field by field, what `MessageReader` reads. Whoever writes gives the fields in the order of their
 * numbers; a number 0, an empty text and empty bytes are left out.
 */
import { assert } from '@anysync/protocol/errors.ts'

const encoder = new TextEncoder()

/** Halves of a number of 64 bits, and the number. */
const halves = new DataView(new ArrayBuffer(8))

export class MessageWriter {
  #bytes: Uint8Array<ArrayBuffer>
  #at = 0

  /** `sizeGuess`: how many bytes there will be, as far as is known. */
  constructor(sizeGuess: number) {
    this.#bytes = new Uint8Array(sizeGuess)
  }

  uint32(field: number, value: number): void {
    if (value === 0) return
    this.#varint(field << 3)
    this.#varint(value)
  }

  /** Of 0 to 2^64 - 1. */
  uint64(field: number, value: bigint): void {
    assert(BigInt.asUintN(64, value) === value, 'an unsigned number of a message has 64 bits')
    if (value === 0n) return
    halves.setBigUint64(0, value)
    this.#varint(field << 3)
    this.#varint64(halves.getUint32(0), halves.getUint32(4))
  }

  /** Of -2^63 to 2^63 - 1. */
  sint64(field: number, value: bigint): void {
    assert(BigInt.asIntN(64, value) === value, 'a signed number of a message has 64 bits')
    if (value === 0n) return
    halves.setBigInt64(0, value)
    const high = halves.getInt32(0)
    const low = halves.getUint32(4)
    const sign = high >> 31
    this.#varint(field << 3)
    this.#varint64((((high << 1) | (low >>> 31)) ^ sign) >>> 0, ((low << 1) ^ sign) >>> 0)
  }

  bytes(field: number, value: Uint8Array): void {
    if (value.length === 0) return
    this.#varint((field << 3) | 2)
    this.#varint(value.length)
    this.#reserve(value.length)
    this.#bytes.set(value, this.#at)
    this.#at += value.length
  }

  text(field: number, value: string): void {
    if (value.length >= 0x80 || !this.#shortText(field, value)) this.bytes(field, encoder.encode(value))
  }

  /** A message within this one, which `write` writes. */
  message(field: number, write: () => void): void {
    this.#varint((field << 3) | 2)
    const start = this.#at + 1
    this.#reserve(1)
    this.#at = start
    write()
    const length = this.#at - start
    // Most are so short that their length takes the byte that was left for it.
    const lengthBytes = length < 0x80 ? 1 : Math.ceil((32 - Math.clz32(length)) / 7)
    this.#reserve(lengthBytes - 1)
    if (lengthBytes > 1) this.#bytes.copyWithin(start - 1 + lengthBytes, start, start + length)
    this.#at = start - 1
    this.#varint(length)
    this.#at += length
  }

  /** What was written. */
  finish(): Uint8Array<ArrayBuffer> {
    return this.#bytes.length === this.#at ? this.#bytes : this.#bytes.slice(0, this.#at)
  }

  /** Writes a text of ASCII; false, with nothing written, for any other. */
  #shortText(field: number, value: string): boolean {
    if (value === '') return true
    const before = this.#at
    this.#varint((field << 3) | 2)
    this.#varint(value.length)
    this.#reserve(value.length)
    for (let i = 0; i < value.length; i++) {
      const unit = value.charCodeAt(i)
      if (unit >= 0x80) {
        this.#at = before
        return false
      }
      this.#bytes[this.#at++] = unit
    }
    return true
  }

  #reserve(bytes: number): void {
    const needed = this.#at + bytes
    if (needed <= this.#bytes.length) return
    const larger = new Uint8Array(Math.max(needed, this.#bytes.length * 2))
    larger.set(this.#bytes)
    this.#bytes = larger
  }

  #varint(value: number): void {
    this.#reserve(5)
    let left = value
    for (; left >= 0x80; left = Math.floor(left / 0x80)) this.#bytes[this.#at++] = (left % 0x80) | 0x80
    this.#bytes[this.#at++] = left
  }

  #varint64(high: number, low: number): void {
    this.#reserve(10)
    let above = high
    let left = low
    while (above > 0 || left >= 0x80) {
      this.#bytes[this.#at++] = (left & 0x7f) | 0x80
      left = ((left >>> 7) | (above << 25)) >>> 0
      above >>>= 7
    }
    this.#bytes[this.#at++] = left
  }
}
