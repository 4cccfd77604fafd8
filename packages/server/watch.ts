/**
 * Wakes devices when a head moves. In this process only: a watcher keeps one note for each vault that moved, the newest
 * head, so a slow device costs no memory and misses nothing that matters.
 */
import { SyncError } from '@anysync/protocol/errors.ts'
import type { DeviceId, RecordHash, UserId, VaultId } from '@anysync/protocol/ids.ts'
import { watchesPerAccountMax } from '@anysync/protocol/limits.ts'

/** The newest record of a log; null for an empty one. */
export type LogHead = { sequence: number; hash: RecordHash } | null
export type Move = { vaultId: VaultId; head: LogHead }

type Watcher = {
  deviceId: DeviceId
  movesByVault: Map<VaultId, Move>
  /** Set when the stream must end. */
  trouble: SyncError | null
  wake(): void
}

export type WatchHub = {
  moved(users: UserId[], move: Move): void
  /**
   * The given heads at once, then each as it moves; null as a sign of life. Returns when the signal aborts.
   * `heads` is called after the watch began, so no move falls between. Throws `unavailable` when the server stops
   * or the account watches too often, `unauthorized` when the device is revoked.
   */
  watch(
    who: { userId: UserId; deviceId: DeviceId },
    heads: () => Promise<Move[]>,
    signal: AbortSignal,
  ): AsyncGenerator<Move | null>
  /** Ends the streams of a device. */
  revoke(deviceId: DeviceId): void
  /** Ends all streams, and those that come. */
  close(): void
  /** How many streams are open. */
  count(): number
}

const stopping = () => new SyncError('vault.watch', 'unavailable', 'the server is stopping: try again in a moment')

export const createWatchHub = ({ aliveMs }: { aliveMs: number }): WatchHub => {
  const watchersByUser = new Map<UserId, Set<Watcher>>()
  let isClosed = false

  const join = (userId: UserId, watcher: Watcher): Disposable => {
    if (isClosed) throw stopping()
    const watchers = watchersByUser.get(userId) ?? new Set()
    if (watchers.size >= watchesPerAccountMax) {
      throw new SyncError(
        'vault.watch',
        'unavailable',
        `the account is watched by ${watchesPerAccountMax} connections already: stop some devices`,
      )
    }
    watchersByUser.set(userId, watchers.add(watcher))
    return {
      [Symbol.dispose]: () => {
        watchers.delete(watcher)
        if (watchers.size === 0 && watchersByUser.get(userId) === watchers) watchersByUser.delete(userId)
      },
    }
  }

  const end = (watcher: Watcher, trouble: SyncError): void => {
    watcher.trouble = trouble
    watcher.wake()
  }

  return {
    moved: (users, move) => {
      for (const user of users) for (const watcher of watchersByUser.get(user) ?? []) note(watcher, move)
    },

    watch: async function* ({ userId, deviceId }, heads, signal) {
      const watcher: Watcher = { deviceId, movesByVault: new Map(), trouble: null, wake: () => undefined }
      using _membership = join(userId, watcher)
      for (const move of await heads()) note(watcher, move)
      while (!signal.aborted) {
        if (watcher.trouble !== null) throw watcher.trouble
        const moves = [...watcher.movesByVault.values()]
        watcher.movesByVault.clear()
        if (moves.length > 0) yield* moves
        else if ((await nextWake(watcher, aliveMs, signal)) === 'silence') yield null
      }
    },

    revoke: (deviceId) => {
      for (const watchers of watchersByUser.values()) {
        for (const watcher of watchers) {
          if (watcher.deviceId === deviceId) {
            end(watcher, new SyncError('vault.watch', 'unauthorized', 'this device was revoked: log in again'))
          }
        }
      }
    },

    close: () => {
      isClosed = true
      for (const watchers of watchersByUser.values()) for (const watcher of watchers) end(watcher, stopping())
    },

    count: () => [...watchersByUser.values()].reduce((sum, watchers) => sum + watchers.size, 0),
  }
}

/** Keeps the newer of two heads: the first heads are read while moves may already arrive. */
const note = (watcher: Watcher, move: Move): void => {
  const known = watcher.movesByVault.get(move.vaultId)
  if (known !== undefined && (known.head?.sequence ?? 0) > (move.head?.sequence ?? 0)) return
  watcher.movesByVault.set(move.vaultId, move)
  watcher.wake()
}

/** Resolves at the next wake, when the signal aborts, or after `aliveMs` of silence. */
const nextWake = (watcher: Watcher, aliveMs: number, signal: AbortSignal): Promise<'woken' | 'silence'> =>
  new Promise((resolve) => {
    const finish = (how: 'woken' | 'silence') => {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
      watcher.wake = () => undefined
      resolve(how)
    }
    const onAbort = () => finish('woken')
    const timer = setTimeout(() => finish('silence'), aliveMs)
    signal.addEventListener('abort', onAbort)
    watcher.wake = () => finish('woken')
  })
