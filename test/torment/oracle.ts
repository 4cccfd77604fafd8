/**
 * Remembers every content that the script saved, and knows which of them must be found in the end.
 *
 * The rule. A content counts as saved when the call that wrote it (or renamed it into place) has returned, and the path
 * still leads to the file that was written. It *must* be found, as a current file, a conflict copy or in an earlier
 * snapshot, when
 *   - the device that saved it never replaced or deleted it, however soon it saved or did something else elsewhere; or
 *   - it lay there unchanged for 10 seconds in which the device's daemon and the server were up without a break. Up begins
 *     with the first turn that the daemon tells of after it, or the server, was killed, stopped or started.
 * What a device replaced or deleted sooner than that may never have been seen by a turn. It may be found or not. What
 * another device replaced or deleted is no excuse.
 */
import { hash } from 'node:crypto'

export const lyingMs = 10_000

export type Save = {
  device: string
  /** Of the bytes. */
  key: string
  /** What it was and where, for a person who looks for it. */
  what: string
  savedMs: number
  /** When the same device replaced or deleted it. */
  endedMs: number | null
}

/** A time in which a device's daemon and the server were up without a break. */
export type Uptime = { fromMs: number; toMs: number }

export type Fate = 'must be found: never replaced' | 'must be found: lay long enough' | 'may be missing'

export const fateOf = (save: Save, uptimes: readonly Uptime[]): Fate => {
  if (save.endedMs === null) return 'must be found: never replaced'
  return lainMs(save, uptimes) >= lyingMs ? 'must be found: lay long enough' : 'may be missing'
}

/** The longest time without a break in which it lay there and all was up. */
export const lainMs = ({ savedMs, endedMs }: Save, uptimes: readonly Uptime[]): number => {
  const untilMs = endedMs ?? Infinity
  return Math.max(0, ...uptimes.map(({ fromMs, toMs }) => Math.min(untilMs, toMs) - Math.max(savedMs, fromMs)))
}

export const fileKey = (bytes: Uint8Array): string => `file ${hash('sha256', bytes)}`
export const linkKey = (target: string): string => `link ${target}`

export class Oracle {
  readonly #saves = new Map<string, Save>()

  saved(device: string, key: string, what: string): void {
    this.#saves.set(`${device} ${key}`, { device, key, what, savedMs: performance.now(), endedMs: null })
  }

  /** The device replaced or deleted it. Nothing, when it was another that saved it: then a turn has brought it here. */
  ended(device: string, key: string): void {
    const save = this.#saves.get(`${device} ${key}`)
    if (save !== undefined) save.endedMs ??= performance.now()
  }

  saves(): Save[] {
    return [...this.#saves.values()]
  }
}
