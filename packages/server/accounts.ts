/**
 * Accounts and their devices, once somebody is known. Signing in is login.ts; who may call what is authorize.ts.
 */
import { randomBytes } from 'node:crypto'
import { demand } from '@anysync/protocol/errors.ts'
import { userIdFromBytes, type DeviceId, type UserId } from '@anysync/protocol/ids.ts'
import { hashBytes, idBytes, keyBytes, masterKeysBytesMax, tokenBytes } from '@anysync/protocol/limits.ts'
import type { SignUpRequest } from '@anysync/protocol/gen/anysync/v1/account_pb.js'
import type { Attempts } from './attempts.ts'
import { checkBytes, checkKdf, checkLength } from './check.ts'
import type { Clock } from './clock.ts'
import type { Database } from './db/tables.ts'
import { checkEmail } from './email.ts'
import { spendInvitation } from './invitations.ts'
import { parseTokenHash } from './tokens.ts'

export type Me = {
  userId: UserId
  deviceId: DeviceId
  email: string
  deviceName: string
  bytesUsed: number
  bytesQuota: number | null
  /** The clock of the server. */
  timeMs: number
}

export type DeviceInfo = { deviceId: DeviceId; name: string; createdMs: number; seenMs: number; isRevoked: boolean }

export type Accounts = {
  /** Throws `missing` without a good invitation, `conflict` when the e-mail is taken; the invitation is good still. */
  signUp(request: SignUpRequest, address: string): Promise<UserId>
  whoAmI(deviceId: DeviceId): Promise<Me>
  /** Oldest first. */
  listDevices(userId: UserId): Promise<DeviceInfo[]>
  /** Throws `missing` for a device of another account. Revoking twice is harmless. */
  revokeDevice(userId: UserId, deviceId: DeviceId): Promise<void>
}

export const createAccounts = (parts: {
  database: Database
  clock: Clock
  attempts: Attempts
  /** Called when a device may do nothing any more. */
  onRevoked(deviceId: DeviceId): void
}): Accounts => {
  const { database, clock, attempts } = parts
  return {
    signUp: async (request, address) => {
      checkSignUp(request)
      const kdf = checkKdf('account.sign-up', request.kdf)
      const attempt = attempts.begin(address, null)
      const userId = userIdFromBytes(randomBytes(idBytes))
      await database.transaction().execute(async (transaction) => {
        const nowMs = clock.nowMs()
        const { bytesQuota } = await spendInvitation(transaction, request.invitation, nowMs)
        const taken = await transaction
          .selectFrom('account')
          .select('user_id')
          .where('email', '=', request.email)
          .executeTakeFirst()
        demand(
          taken === undefined,
          'account.sign-up',
          'conflict',
          'this e-mail has an account on the server already: log in instead, or take another e-mail',
        )
        await transaction
          .insertInto('account')
          .values({
            user_id: userId,
            email: request.email,
            login_public_key: request.loginPublicKey,
            kdf_n: kdf.n,
            kdf_r: kdf.r,
            kdf_p: kdf.p,
            kdf_salt: kdf.salt,
            token_hash: parseTokenHash(request.accessTokenHash),
            identity_public_key: request.identityPublicKey,
            box_public_key: request.boxPublicKey,
            master_keys: request.masterKeys,
            bytes_quota: bytesQuota,
            bytes_used: 0,
            created_ms: nowMs,
          })
          .execute()
      })
      attempt.succeed()
      return userId
    },

    whoAmI: async (deviceId) => {
      const row = await database
        .selectFrom('device')
        .innerJoin('account', 'account.user_id', 'device.user_id')
        .select(['account.user_id', 'account.email', 'device.name', 'account.bytes_used', 'account.bytes_quota'])
        .where('device.device_id', '=', deviceId)
        .executeTakeFirstOrThrow()
      return {
        userId: row.user_id,
        deviceId,
        email: row.email,
        deviceName: row.name,
        bytesUsed: row.bytes_used,
        bytesQuota: row.bytes_quota,
        timeMs: clock.nowMs(),
      }
    },

    listDevices: async (userId) => {
      const rows = await database
        .selectFrom('device')
        .select(['device_id', 'name', 'created_ms', 'seen_ms', 'revoked_ms'])
        .where('user_id', '=', userId)
        .orderBy('created_ms')
        .orderBy('device_id')
        .execute()
      return rows.map((row) => ({
        deviceId: row.device_id,
        name: row.name,
        createdMs: row.created_ms,
        seenMs: row.seen_ms,
        isRevoked: row.revoked_ms !== null,
      }))
    },

    revokeDevice: async (userId, deviceId) => {
      const revoked = await database
        .updateTable('device')
        .set((of) => ({ revoked_ms: of.fn.coalesce('revoked_ms', of.val(clock.nowMs())) }))
        .where('device_id', '=', deviceId)
        .where('user_id', '=', userId)
        .returning('device_id')
        .executeTakeFirst()
      demand(revoked !== undefined, 'account.revoke', 'missing', `the account has no device ${deviceId}`)
      parts.onRevoked(deviceId)
    },
  }
}

const checkSignUp = (request: SignUpRequest): void => {
  const operation = 'account.sign-up'
  checkLength(operation, 'an invitation', request.invitation, tokenBytes)
  checkEmail(operation, request.email)
  checkLength(operation, 'a login key', request.loginPublicKey, keyBytes)
  checkLength(operation, 'a token hash', request.accessTokenHash, hashBytes)
  checkLength(operation, 'an identity key', request.identityPublicKey, keyBytes)
  checkLength(operation, 'a box key', request.boxPublicKey, keyBytes)
  checkBytes(operation, 'master.keys', request.masterKeys, masterKeysBytesMax)
}
