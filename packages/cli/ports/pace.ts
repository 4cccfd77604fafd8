/**
 * Holds bytes to a rate: a bucket that fills with time, and from which all transfers of a process take, in turn. The
 * rate is asked again at every step, so a change or a schedule takes effect in the middle of a transfer.
 */
import type { Clock } from '@anysync/client/ports.ts'
import { packPieceBytes, paceBurstMs, paceLookMs, paceSliceBytesMin, paceSliceMs } from '@anysync/protocol/limits.ts'

/** What may still go; below 0: what went too early, so that a slice may be larger than the bucket. */
export type Bucket = { readonly bytes: number; readonly atMs: number }

/** The bucket as time fills it. It holds no more than passes in a moment, or an idle hour would become a flood. */
export const fillBucket = ({ bytes, atMs }: Bucket, nowMs: number, bytesPerSecond: number): Bucket => {
  const bytesPerMs = bytesPerSecond / 1000
  return { bytes: Math.min(bytes + (nowMs - atMs) * bytesPerMs, paceBurstMs * bytesPerMs), atMs: nowMs }
}

/** Until nothing has gone too early any more. */
export const bucketWaitMs = ({ bytes }: Bucket, bytesPerSecond: number): number =>
  bytes >= 0 ? 0 : (-bytes * 1000) / bytesPerSecond

export type Pace = {
  /** How much to take at once, so that transfers take turns and nobody waits for long. */
  sliceBytes(): number
  /** Resolves when so many bytes may go. First come, first served. Rejects with the signal's reason when aborted. */
  take(bytes: number, signal: AbortSignal): Promise<void>
}

/** `rate` in bytes per second, null for none; asked anew for every slice. */
export const createPace = (clock: Clock, rate: () => number | null): Pace => {
  let bucket: Bucket = { bytes: 0, atMs: clock.monotonicMs() }
  let last: Promise<void> = Promise.resolve()
  // While nobody waits and there is no rate, nothing is to be arranged.
  let waiting = 0

  const spend = async (bytes: number, signal: AbortSignal): Promise<void> => {
    for (;;) {
      signal.throwIfAborted()
      const bytesPerSecond = rate()
      const nowMs = clock.monotonicMs()
      if (bytesPerSecond === null) {
        bucket = { bytes: 0, atMs: nowMs }
        return
      }
      bucket = fillBucket(bucket, nowMs, bytesPerSecond)
      const waitMs = bucketWaitMs(bucket, bytesPerSecond)
      if (waitMs <= 0) {
        bucket = { ...bucket, bytes: bucket.bytes - bytes }
        return
      }
      // No timer is finer than a millisecond; what it lets too early or too late is in the bucket.
      await clock.wait(Math.min(Math.max(waitMs, 1), paceLookMs), signal)
    }
  }

  return {
    sliceBytes() {
      const bytesPerSecond = rate() ?? Infinity
      const bytes = Math.floor((bytesPerSecond * paceSliceMs) / 1000)
      return Math.min(Math.max(bytes, paceSliceBytesMin), packPieceBytes)
    },
    async take(bytes, signal) {
      if (waiting === 0 && rate() === null) {
        signal.throwIfAborted()
        bucket = { bytes: 0, atMs: clock.monotonicMs() }
        return
      }
      waiting += 1
      const before = last
      const turn = Promise.withResolvers<void>()
      last = turn.promise
      try {
        await orAborted(before, signal)
        await spend(bytes, signal)
      } finally {
        waiting -= 1
        // Whoever leaves the queue early does not move the others up.
        void before.then(turn.resolve)
      }
    },
  }
}

const orAborted = async (wait: Promise<void>, signal: AbortSignal): Promise<void> => {
  signal.throwIfAborted()
  const aborted = Promise.withResolvers<never>()
  const abort = (): void => aborted.reject(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  try {
    await Promise.race([wait, aborted.promise])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
