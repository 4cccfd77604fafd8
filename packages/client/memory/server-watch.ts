/**
 * The watches of the memory server: who is told when a head moves. A watch keeps at most one head a vault, the
 * newest, so a slow reader costs nothing and misses nothing that matters.
 */
import type { UserId, VaultId } from '@anysync/protocol/ids.ts'
import type { LogHead } from '../ports.ts'

export type Watcher = {
  /** The next head that this watch has not told, or null when it told all. */
  take(): { vaultId: VaultId; head: LogHead | null } | null
  /** Whether the line was cut. */
  isCut(): boolean
  /** Resolves at the next change, cut or abort. */
  wait(signal: AbortSignal): Promise<void>
}

export type Watchers = {
  open(userId: UserId): Watcher & Disposable
  tell(userId: UserId, vaultId: VaultId, head: LogHead | null): void
  /** Wakes every watch, so that each looks again whether it may go on. */
  wakeAll(): void
  /** Loses every line, as a server that stops does. */
  cutAll(): void
}

export const createWatchers = (): Watchers => {
  type Line = { userId: UserId; news: Map<VaultId, LogHead | null>; isCut: boolean; wake: () => void }
  const lines = new Set<Line>()

  const wakeAll = (): void => {
    for (const line of lines) line.wake()
  }

  return {
    open: (userId) => {
      const line: Line = { userId, news: new Map(), isCut: false, wake: () => {} }
      lines.add(line)
      return {
        take: () => {
          for (const [vaultId, head] of line.news) {
            line.news.delete(vaultId)
            return { vaultId, head }
          }
          return null
        },
        isCut: () => line.isCut,
        wait: async (signal) => {
          const { promise, resolve } = Promise.withResolvers<void>()
          line.wake = resolve
          if (signal.aborted || line.isCut || line.news.size > 0) resolve()
          signal.addEventListener('abort', line.wake, { once: true })
          await promise
          signal.removeEventListener('abort', line.wake)
        },
        [Symbol.dispose]: () => void lines.delete(line),
      }
    },
    tell: (userId, vaultId, head) => {
      for (const line of lines) {
        if (line.userId !== userId) continue
        line.news.set(vaultId, head)
        line.wake()
      }
    },
    wakeAll,
    cutAll: () => {
      for (const line of lines) line.isCut = true
      wakeAll()
    },
  }
}
