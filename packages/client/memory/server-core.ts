/**
 * What every call of the memory server shares: its data, its chance and clock, the faults that a test injects, and
 * a note of every byte received. A call takes effect at once or not at all; waiting happens only in faults.
 */
import type { DeviceId } from '@anysync/protocol/ids.ts'
import type { Chance, Cipher, Clock } from '../ports.ts'
import { utf8 } from '../crypto/bytes.ts'
import type { ServerData } from './server-data.ts'
import type { Watchers } from './server-watch.ts'

/** One call, seen by a fault. `during` comes before each message of a stream. */
export type ServerCall = {
  operation: string
  moment: 'before' | 'during' | 'after'
  /** Null for strangers. */
  device: DeviceId | null
}

/**
 * Consulted around every call. May throw `unavailable`: before, nothing happened; after, it happened and the reply was
 * lost. May wait: that is how a test delays and reorders.
 */
export type ServerFault = (call: ServerCall) => void | Promise<void>

export type ServerCore = {
  readonly cipher: Cipher
  readonly chance: Chance
  readonly clock: Clock
  readonly watchers: Watchers
  data: ServerData
  fault: ServerFault
  readonly received: Uint8Array[]
}

/** Carries out one call between its two faults. */
export const carryOut = async <Result>(
  core: ServerCore,
  operation: string,
  device: DeviceId | null,
  work: () => Result,
): Promise<Result> => {
  await core.fault({ operation, moment: 'before', device })
  try {
    return work()
  } finally {
    // A refusal is a reply too, and may be lost like one.
    await core.fault({ operation, moment: 'after', device })
  }
}

/** Keeps what arrived, for tests that look for a canary in it; returns the server's own copy. */
export const receive = (core: ServerCore, bytes: Uint8Array): Uint8Array => {
  const copy = bytes.slice()
  core.received.push(copy)
  return copy
}

export const receiveText = (core: ServerCore, text: string): string => {
  core.received.push(utf8(text))
  return text
}

/** Secrets are kept and found by their hash only. */
export const hashHex = (core: ServerCore, bytes: Uint8Array): string => core.cipher.sha256(bytes).toHex()
