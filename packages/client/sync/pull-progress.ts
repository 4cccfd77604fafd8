/**
 * How far the pulls of one turn are: a pull of much takes several rounds, and whoever waits for it wants to know how much
 * is left of all.
 */
import type { FileTotals } from '../ports.ts'
import type { ProgressOf } from '../progress.ts'

export class PullProgress {
  #files = 0
  #bytes = 0
  #filesTotal = 0
  #bytesTotal = 0
  /** Of the rounds that are to come; null when nothing is known of any. */
  #expected: FileTotals | null = null

  /** There will be another round. `lacked`: about what all of them, from this one on, will bring; asked for once. */
  expect(lacked: () => FileTotals): void {
    if (this.#expected !== null) return
    const { files, bytes } = lacked()
    this.#expected = { files: this.#files + files, bytes: this.#bytes + bytes }
  }

  /** A round begins that brings so much. `isLast`: as far as is known. */
  begin({ files, bytes }: FileTotals, isLast: boolean): void {
    const expected = isLast ? null : this.#expected
    this.#filesTotal = Math.max(this.#files + files, expected?.files ?? 0)
    this.#bytesTotal = Math.max(this.#bytes + bytes, expected?.bytes ?? 0)
  }

  note({ files, bytes }: FileTotals): void {
    this.#files += files
    this.#bytes += bytes
  }

  step(): ProgressOf<'pull'> {
    return {
      phase: 'pull',
      files: this.#files,
      filesTotal: this.#filesTotal,
      bytes: this.#bytes,
      bytesTotal: this.#bytesTotal,
    }
  }
}
