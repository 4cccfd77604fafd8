/**
 * The handful of files that travel at this moment, and how far each is: so that one can be told of in per cent.
 */
import type { FileProgress } from './report.ts'

export class CurrentFiles {
  readonly #byPath = new Map<string, FileProgress>()

  /** More bytes of a file went through. */
  add(path: string, bytes: number, size: number): void {
    const before = this.#byPath.get(path)?.bytes ?? 0
    this.#byPath.set(path, { path, bytes: before + bytes, size })
  }

  /** The file is through, or given up. */
  end(path: string): void {
    this.#byPath.delete(path)
  }

  list(): FileProgress[] {
    return [...this.#byPath.values()]
  }
}
