/** The Watcher in memory: somebody tells it of a change. */
import { Latch } from '../latch.ts'
import type { Watcher } from '../ports.ts'

export type MemoryWatcher = Watcher & {
  /** Something changed. */
  tell(): void
}

export const createMemoryWatcher = (): MemoryWatcher => {
  const latch = new Latch()
  return { tell: () => latch.set(), nextChange: (signal) => latch.next(signal) }
}
