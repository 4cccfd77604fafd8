/**
 * How fast bytes go: an average that forgets, so that what was long ago counts little.
 */

/** Speed is that of about this long. */
const speedMs = 5000

export class Meter {
  readonly phase: string
  #bytes: number
  #atMs: number
  #bytesPerMs = 0
  #isMeasured = false

  constructor(phase: string, bytes: number, atMs: number) {
    this.phase = phase
    this.#bytes = bytes
    this.#atMs = atMs
  }

  get bytes(): number {
    return this.#bytes
  }

  get bytesPerSecond(): number {
    return this.#bytesPerMs * 1000
  }

  measure(bytes: number, nowMs: number): void {
    const passed = nowMs - this.#atMs
    if (passed <= 0) return
    const speed = (bytes - this.#bytes) / passed
    const weight = this.#isMeasured ? 1 - Math.exp(-passed / speedMs) : 1
    this.#bytesPerMs += (speed - this.#bytesPerMs) * weight
    this.#bytes = bytes
    this.#atMs = nowMs
    this.#isMeasured = true
  }
}

/** The meter to go on with: another phase, or one that began anew, is measured anew. */
export const meterFor = (meter: Meter | null, step: { phase: string; bytes: number }, nowMs: number): Meter =>
  meter === null || step.phase !== meter.phase || step.bytes < meter.bytes
    ? new Meter(step.phase, step.bytes, nowMs)
    : meter
