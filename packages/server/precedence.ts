/**
 * Fairness among the devices that append to one log. The log takes the first record that fits, so a device whose rounds
 * are short could win every race against one whose rounds are long. A device that lost a race goes next: for a moment
 * the appends of others wait for its own, and are then judged as ever.
 *
 * It is kept in memory, and says nothing of what is right: without it the log is as safe, and slower for some.
 */
import { demand, isTrouble } from '@anysync/protocol/errors.ts'
import type { DeviceId, VaultId } from '@anysync/protocol/ids.ts'
import { precedenceMsMax, precedenceMsMin } from '@anysync/protocol/limits.ts'

export type Precedence = {
  /**
   * Runs the append of a device, after that of another device of the vault that goes first, or when its time is over.
   * Throws what the append throws, and `unavailable` when the caller leaves before.
   */
  append<Result>(
    vaultId: VaultId,
    deviceId: DeviceId,
    signal: AbortSignal,
    append: () => Promise<Result>,
  ): Promise<Result>
}

export type PrecedenceParts = {
  /** Monotonic, in milliseconds. */
  nowMs: () => number
  /** Runs something after so many milliseconds, unless disposed of before. */
  after: (ms: number, run: () => void) => Disposable
}

/** By the system's timers. */
export const systemPrecedenceParts: PrecedenceParts = {
  nowMs: () => performance.now(),
  after: (ms, run) => setTimeout(run, ms),
}

/** How long a device goes first after so many races lost in a row: longer each time, for its rounds may be long. */
export const precedenceMs = (losses: number): number =>
  Math.min(precedenceMsMax, precedenceMsMin * 2 ** Math.min(losses - 1, 16))

/** One log: who goes first, and the races that devices lost since they last won one. */
type Log = {
  first: First | null
  losses: Map<DeviceId, number>
  /** Resolves when all that came before is judged: one append at a time, so that each sees who goes first by then. */
  judged: Promise<void>
  callers: number
}

/** `waiting`: to be woken when it has gone. */
type First = { deviceId: DeviceId; untilMs: number; waiting: Set<() => void> }

export const createPrecedence = ({ nowMs, after }: PrecedenceParts): Precedence => {
  const logs = new Map<VaultId, Log>()

  const enter = (vaultId: VaultId): { log: Log } & Disposable => {
    const log = logs.get(vaultId) ?? { first: null, losses: new Map(), judged: Promise.resolve(), callers: 0 }
    logs.set(vaultId, log)
    log.callers += 1
    return {
      log,
      [Symbol.dispose]: () => {
        log.callers -= 1
        if (log.callers === 0 && log.losses.size === 0) logs.delete(vaultId)
      },
    }
  }

  /** The device that this one has to let go first; null when it may append now. */
  const firstBefore = ({ first }: Log, deviceId: DeviceId): First | null =>
    first === null || first.deviceId === deviceId || first.untilMs <= nowMs() ? null : first

  /** Resolves when the other has gone, when its time is over, or when the caller leaves. */
  const letGo = async ({ untilMs, waiting }: First, signal: AbortSignal): Promise<void> => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const wake = (): void => resolve()
    waiting.add(wake)
    signal.addEventListener('abort', wake)
    using _timer = after(untilMs - nowMs(), wake)
    await promise
    signal.removeEventListener('abort', wake)
    waiting.delete(wake)
  }

  const giveWay = (log: Log, first: First | null): void => {
    for (const wake of log.first?.waiting ?? []) wake()
    log.first = first
  }

  const won = (log: Log, deviceId: DeviceId): void => {
    log.losses.delete(deviceId)
    if (log.first?.deviceId === deviceId) giveWay(log, null)
  }

  const lost = (log: Log, deviceId: DeviceId): void => {
    const losses = (log.losses.get(deviceId) ?? 0) + 1
    log.losses.set(deviceId, losses)
    giveWay(log, { deviceId, untilMs: nowMs() + precedenceMs(losses), waiting: new Set() })
  }

  return {
    async append(vaultId, deviceId, signal, append) {
      using entered = enter(vaultId)
      const { log } = entered
      for (;;) {
        const before = log.judged
        const { promise, resolve } = Promise.withResolvers<void>()
        log.judged = promise
        await before
        try {
          demand(!signal.aborted, 'vault.append', 'unavailable', 'the caller left before its turn came')
          const first = firstBefore(log, deviceId)
          if (first !== null) {
            // Not in the way of the one that is waited for.
            resolve()
            await letGo(first, signal)
            continue
          }
          const result = await append()
          won(log, deviceId)
          return result
        } catch (error) {
          if (isTrouble(error, 'conflict')) lost(log, deviceId)
          throw error
        } finally {
          resolve()
        }
      }
    },
  }
}
