/**
 * Reads Protocol Buffers as AnySync stores them: fields in the order of their numbers, none unknown, none twice unless
 * it is a list, defaults left out, numbers as short as they can be. Whatever else comes is refused.
 */

export function demand(fact: boolean, message: string): asserts fact {
  if (!fact) throw new Error(message)
}

/** What fails is told, and the rest goes on; the exit code is 1 then. */
export const trying = (path: string, work: () => void): void => {
  try {
    work()
  } catch (error) {
    tell(`not whole: ${JSON.stringify(path)}`, error)
  }
}

export const tell = (what: string, error: unknown): void => {
  console.error(`${what}: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export class Message {
  readonly #name: string
  readonly #values = new Map<number, (bigint | Uint8Array)[]>()

  /** `fields`: the format has fields 1 to this one. */
  constructor(name: string, bytes: Uint8Array, fields: number) {
    this.#name = name
    let at = 0
    const varint = (): bigint => {
      let value = 0n
      for (let shift = 0n; shift < 70n; shift += 7n) {
        const byte = bytes[at++] ?? 0
        value |= BigInt(byte & 127) << shift
        if (byte > 127) continue
        this.#demand((byte > 0 || shift === 0n) && value < 1n << 64n && at <= bytes.length, 'a number')
        return value
      }
      throw new Error(`${name} is damaged: a number does not end`)
    }
    for (let last = 0; at < bytes.length;) {
      const tag = Number(varint())
      const [field, isBytes] = [Math.floor(tag / 8), tag % 8 === 2]
      demand(field >= 1 && field <= fields, `${name} has a field that is not known: it is newer, or damaged`)
      this.#demand((isBytes || tag % 8 === 0) && (field > last || (isBytes && field === last)), `field ${field}`)
      const value = varint()
      if (isBytes) this.#demand(value <= bytes.length - at, `the length of field ${field}`)
      const found = isBytes ? bytes.subarray(at, (at += Number(value))) : value
      if (field === last) this.#values.get(field)?.push(found)
      else this.#values.set(field, [found])
      last = field
    }
  }

  #demand(fact: boolean, what: string): asserts fact {
    demand(fact, `${this.#name} is damaged: ${what} is not as it is written`)
  }

  /** A uint64; 0 when it is not there. */
  integer(field: number): bigint {
    const [value = null] = this.#values.get(field) ?? []
    this.#demand(value === null || (typeof value === 'bigint' && value > 0n), `field ${field}`)
    return value ?? 0n
  }
  number = (field: number): number => Number(this.integer(field))

  list(field: number): Uint8Array[] {
    return (this.#values.get(field) ?? []).map((value) => {
      this.#demand(typeof value !== 'bigint', `field ${field}`)
      return value
    })
  }

  /** The uint64s of a list, which lie end to end. */
  integers(field: number): bigint[] {
    const bytes = this.bytes(field)
    const ends = [...bytes.keys()].filter((i) => (bytes[i] ?? 0) < 128)
    return ends.map((end, i) =>
      bytes.subarray((ends[i - 1] ?? -1) + 1, end + 1).reduceRight((sum, byte) => (sum << 7n) | BigInt(byte & 127), 0n),
    )
  }

  /** Bytes, of this length when one is given; none when they are not there. */
  bytes(field: number, length?: number): Uint8Array {
    const [value = new Uint8Array(), ...more] = this.list(field)
    const isFitting = length === undefined ? value.length > 0 || !this.#values.has(field) : value.length === length
    this.#demand(isFitting && more.length === 0, `field ${field}`)
    return value
  }

  text = (field: number): string => utf8.decode(this.bytes(field))

  /** A message with so many fields. */
  message(field: number, name: string, fields: number): Message {
    const [bytes, ...more] = this.list(field)
    this.#demand(bytes !== undefined && more.length === 0, `field ${field}`)
    return new Message(name, bytes, fields)
  }
}
