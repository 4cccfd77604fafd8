/**
 * Where a daemon that nobody watches writes: a file for its owner alone that begins anew before it gets large. A disk
 * that is full does not stop the daemon: lines are lost then, and how many is the first thing that is written after.
 */
import { closeSync, fstatSync, openSync, renameSync, writeSync } from 'node:fs'
import { clientLogBytesMax } from '@anysync/protocol/limits.ts'
import { attemptOn } from '../private-files.ts'
import { errorCode } from '../ports/disk-errors.ts'

export class LogFile {
  readonly #path: string
  readonly #bytesMax: number
  #descriptor: number
  #bytes: number
  #lost = 0

  /** Goes on in the file that is there. */
  constructor(path: string, bytesMax = clientLogBytesMax) {
    this.#path = path
    this.#bytesMax = bytesMax
    this.#descriptor = openLog(path)
    this.#bytes = fstatSync(this.#descriptor).size
  }

  get descriptor(): number {
    return this.#descriptor
  }

  /** Lines that could not be written since the last that could. */
  get lost(): number {
    return this.#lost
  }

  /** One line, with its line break. */
  write(line: string): void {
    try {
      if (this.#bytes >= this.#bytesMax) this.#beginAnew()
      if (this.#lost > 0) {
        this.#append(`{"level":50,"message":"${this.#lost} lines before this one could not be written"}\n`)
        this.#lost = 0
      }
      this.#append(line)
    } catch (error) {
      if (errorCode(error) === null) throw error
      this.#lost += 1
    }
  }

  #append(line: string): void {
    const bytes = Buffer.from(line)
    // A disk that is nearly full takes a part: the rest is refused at the next write.
    for (let at = 0; at < bytes.length;) at += writeSync(this.#descriptor, bytes, at)
    this.#bytes += bytes.length
  }

  #beginAnew(): void {
    renameSync(this.#path, `${this.#path}.1`)
    const fresh = openSync(this.#path, 'a', 0o600)
    closeSync(this.#descriptor)
    this.#descriptor = fresh
    this.#bytes = 0
  }

  [Symbol.dispose](): void {
    closeSync(this.#descriptor)
  }
}

const openLog = (path: string): number => attemptOn(path, 'written', () => openSync(path, 'a', 0o600))
