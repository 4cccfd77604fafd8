/**
 * The challenge that a login signs: the server's own MAC over a moment and an e-mail, so nothing is kept for those who
 * only ask. Each is good once and for one minute; those that were used are remembered for that minute.
 */
import { randomBytes, timingSafeEqual } from 'node:crypto'
import { SyncError } from '@anysync/protocol/errors.ts'
import { challengeMsMax, challengesSpentMax } from '@anysync/protocol/limits.ts'
import type { Clock } from './clock.ts'
import type { ServerMac } from './secret.ts'

const nonceBytes = 16
const timeBytes = 8
const bodyBytes = nonceBytes + timeBytes
const macBytes = 32

export type Challenges = {
  issue(email: string): Uint8Array<ArrayBuffer>
  /** Whether it is ours, for this e-mail, fresh and unused. It is used from then on. */
  spend(challenge: Uint8Array, email: string): boolean
}

export const createChallenges = (mac: ServerMac, clock: Clock): Challenges => {
  // What was used before a restart is forgotten, so what was issued before it is refused.
  const beganMs = clock.nowMs()
  const expiryByNonce = new Map<string, number>()

  const forgetExpired = (nowMs: number): void => {
    for (const [nonce, expiryMs] of expiryByNonce) {
      if (expiryMs > nowMs) return
      expiryByNonce.delete(nonce)
    }
  }

  return {
    issue: (email) => {
      const challenge = Buffer.alloc(bodyBytes + macBytes)
      randomBytes(nonceBytes).copy(challenge)
      challenge.writeBigUInt64BE(BigInt(clock.nowMs()), nonceBytes)
      challenge.set(mac('challenge', challenge.subarray(0, bodyBytes), email), bodyBytes)
      return new Uint8Array(challenge)
    },
    spend: (challenge, email) => {
      if (challenge.length !== bodyBytes + macBytes) return false
      const bytes = Buffer.from(challenge)
      const body = bytes.subarray(0, bodyBytes)
      if (!timingSafeEqual(mac('challenge', body, email), bytes.subarray(bodyBytes))) return false
      const issuedMs = Number(bytes.readBigUInt64BE(nonceBytes))
      const nowMs = clock.nowMs()
      if (issuedMs < beganMs || issuedMs > nowMs || nowMs - issuedMs > challengeMsMax) return false
      forgetExpired(nowMs)
      const nonce = body.toString('hex', 0, nonceBytes)
      if (expiryByNonce.has(nonce)) return false
      if (expiryByNonce.size >= challengesSpentMax) {
        throw new SyncError('login', 'unavailable', 'the server is busy with logins: wait a minute and try again')
      }
      expiryByNonce.set(nonce, nowMs + challengeMsMax + 1)
      return true
    },
  }
}
