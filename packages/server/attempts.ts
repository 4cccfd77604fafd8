/**
 * How often a password or an invitation may be tried: a few times freely, then after a growing wait. Counts by
 * account, existing or not, and by address. Signed-in devices are not touched by it. Forgets on restart.
 */
import { SyncError } from '@anysync/protocol/errors.ts'
import { networkOf } from './addresses.ts'
import type { Clock } from './clock.ts'

export type AttemptPolicy = {
  /** Failures that cost nothing. */
  freeFailures: number
  delayMsFirst: number
  delayMsMax: number
  /** Quiet for so long, and the failures are forgotten. */
  forgetMs: number
}

/** The longest wait is short, or a stranger could lock a person out; a minute still leaves only 1,440 guesses a day. */
export const accountPolicy: AttemptPolicy = {
  freeFailures: 5,
  delayMsFirst: 1000,
  delayMsMax: 60_000,
  forgetMs: 3600_000,
}

/** A household may share an address, so it has more free tries; a guesser has no excuse, so its wait grows longer. */
export const addressPolicy: AttemptPolicy = {
  freeFailures: 20,
  delayMsFirst: 1000,
  delayMsMax: 15 * 60_000,
  forgetMs: 3600_000,
}

export type Failures = { count: number; lastMs: number }

/** How long the next attempt must still wait; 0 for not at all. */
export const waitMs = (policy: AttemptPolicy, failures: Failures | null, nowMs: number): number => {
  if (failures === null || failures.count < policy.freeFailures) return 0
  const sinceMs = Math.max(0, nowMs - failures.lastMs)
  if (sinceMs >= policy.forgetMs) return 0
  const delayMs = Math.min(policy.delayMsMax, policy.delayMsFirst * 2 ** (failures.count - policy.freeFailures))
  return Math.max(0, delayMs - sinceMs)
}

/** An attempt counts as failed from its beginning, so that a thousand at once are a thousand; a success takes it back. */
export type Attempt = { succeed(): void }

export type Attempts = {
  /** Throws `unavailable` with the wait when it is too early. */
  begin(address: string, email: string | null): Attempt
}

const namesMax = 50_000

export const createAttempts = (clock: Clock): Attempts => {
  const accounts = createCounter(accountPolicy, clock)
  const addresses = createCounter(addressPolicy, clock)
  return {
    begin: (address, email) => {
      const place = networkOf(address)
      const wait = Math.max(addresses.waitMs(place), email === null ? 0 : accounts.waitMs(email))
      if (wait > 0) {
        const seconds = Math.ceil(wait / 1000)
        throw new SyncError('attempt', 'unavailable', `too many failed attempts: wait ${seconds} seconds and try again`)
      }
      addresses.count(place)
      if (email !== null) accounts.count(email)
      return {
        succeed: () => {
          addresses.takeBack(place)
          if (email !== null) accounts.forget(email)
        },
      }
    },
  }
}

/** Failures by name, the longest quiet forgotten first when there are too many names. */
const createCounter = (policy: AttemptPolicy, clock: Clock) => {
  const failuresByName = new Map<string, Failures>()
  const current = (name: string): Failures | null => {
    const failures = failuresByName.get(name) ?? null
    return failures !== null && clock.nowMs() - failures.lastMs >= policy.forgetMs ? null : failures
  }
  return {
    waitMs: (name: string) => waitMs(policy, current(name), clock.nowMs()),
    count: (name: string) => {
      const count = (current(name)?.count ?? 0) + 1
      failuresByName.delete(name)
      failuresByName.set(name, { count, lastMs: clock.nowMs() })
      if (failuresByName.size > namesMax) {
        for (const oldest of failuresByName.keys()) {
          failuresByName.delete(oldest)
          break
        }
      }
    },
    takeBack: (name: string) => {
      const failures = current(name)
      if (failures !== null) failures.count = Math.max(0, failures.count - 1)
    },
    forget: (name: string) => {
      failuresByName.delete(name)
    },
  }
}
