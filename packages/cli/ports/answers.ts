/**
 * What the server answered, as the client's own types. A server may send anything: what does not parse is `corrupt`.
 */
import { fromBinary } from '@bufbuild/protobuf'
import { demand, isTrouble, SyncError } from '@anysync/protocol/errors.ts'
import { RecordHeaderSchema, RecordSchema } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import {
  deviceIdFromBytes,
  packIdFromBytes,
  recordHashFromBytes,
  userIdFromBytes,
  vaultIdFromBytes,
  type PackId,
} from '@anysync/protocol/ids.ts'
import {
  challengeBytesMax,
  grantBytesMax,
  idBytes,
  keyBytes,
  masterKeysBytesMax,
  recordBytesMax,
} from '@anysync/protocol/limits.ts'
import type { Door, LogHead, LoginAnswer, Me, Remote } from '@anysync/client/ports.ts'
import type { ChallengeResponse, LoginResponse, WhoAmIResponse } from '@anysync/protocol/gen/anysync/v1/account_pb.js'
import type { InUseResponse } from '@anysync/protocol/gen/anysync/v1/object_pb.js'
import type {
  AppendResponse,
  Head,
  ListVaultsResponse,
  RecordsSinceResponse,
  WatchResponse,
} from '@anysync/protocol/gen/anysync/v1/vault_pb.js'

/** Runs a parser over an answer. */
export const parseAnswer = <Parsed>(operation: string, parse: () => Parsed): Parsed => {
  try {
    return parse()
  } catch (error) {
    if (!isTrouble(error, 'invalid')) throw error
    throw new SyncError(operation, 'corrupt', `the server's answer makes no sense: ${error.message}`, error)
  }
}

/** A count that fits a number. */
export const parseCount = (value: bigint): number => {
  const count = Number(value)
  if (!Number.isSafeInteger(count) || count < 0) throw new SyncError('answer', 'invalid', `${value} is out of bounds`)
  return count
}

/** Bytes of a given length. */
export const parseBytes = (what: string, bytes: Uint8Array, length: number): Uint8Array => {
  if (bytes.length !== length) {
    throw new SyncError('answer', 'invalid', `the ${what} is ${bytes.length} bytes, it must be ${length}`)
  }
  return bytes
}

/** Null for an empty log. */
export const parseHead = (head: Head | undefined): LogHead | null => {
  const sequence = parseCount(head?.sequence ?? 0n)
  if (head === undefined || sequence === 0) return null
  return { sequence, hash: recordHashFromBytes(head.hash) }
}

export const parseMe = (me: WhoAmIResponse): Me => ({
  userId: userIdFromBytes(me.userId),
  deviceId: deviceIdFromBytes(me.deviceId),
  email: me.email,
  deviceName: me.deviceName,
  bytesUsed: parseCount(me.bytesUsed),
  bytesQuota: parseCount(me.bytesQuota),
  timeNs: me.timeNs === 0n ? null : me.timeNs,
})

export const parseVaults = ({
  vaults,
  incarnation,
}: ListVaultsResponse): Awaited<ReturnType<Remote['listVaults']>> => ({
  incarnation: parseBytes('incarnation', incarnation, idBytes),
  vaults: vaults.map(({ vaultId, grant, head, bytesStored }) => {
    demand(grant.length <= grantBytesMax, 'vault.list', 'invalid', 'a grant is too long')
    return {
      vaultId: vaultIdFromBytes(vaultId),
      grant,
      head: parseHead(head),
      bytesStored: parseCount(bytesStored),
    }
  }),
})

export const parseAppended = ({ head }: AppendResponse): LogHead => {
  const parsed = parseHead(head)
  demand(parsed !== null, 'vault.append', 'invalid', 'there is no head after an append')
  return parsed
}

export const parseRecord = ({ record }: RecordsSinceResponse): Uint8Array => {
  demand(record.length <= recordBytesMax, 'vault.recordsSince', 'invalid', 'a record is too long')
  return record
}

/** What a record says of its place; whoever opens it finds out whether that is true. */
export const sequenceOf = (record: Uint8Array): number => {
  try {
    return Number(fromBinary(RecordHeaderSchema, fromBinary(RecordSchema, record).header).sequence)
  } catch (error) {
    throw new SyncError('vault.recordsSince', 'corrupt', 'a record is damaged and cannot be read', error)
  }
}

/** Null for a message without a vault, which only says that the line is alive. */
export const parseNews = ({ vaultId, head }: WatchResponse) =>
  vaultId.length === 0 ? null : { vaultId: vaultIdFromBytes(vaultId), head: parseHead(head) }

export const parseChallenge = ({ challenge, kdf }: ChallengeResponse): Awaited<ReturnType<Door['challenge']>> => {
  const isWhole = kdf !== undefined && challenge.length > 0 && challenge.length <= challengeBytesMax
  demand(isWhole, 'account.challenge', 'invalid', 'the challenge is not whole')
  return { challenge, kdf }
}

export const parseLogin = (answer: LoginResponse): LoginAnswer => {
  demand(answer.masterKeys.length <= masterKeysBytesMax, 'account.login', 'invalid', 'master.keys is too long')
  return {
    userId: userIdFromBytes(answer.userId),
    deviceId: deviceIdFromBytes(answer.deviceId),
    sealedToken: answer.sealedToken,
    serverBoxPublicKey: parseBytes('box key', answer.serverBoxPublicKey, keyBytes),
    masterKeys: answer.masterKeys,
  }
}

/** A page of packs behind `after`. One that does not go on is refused, or a server could keep a client asking for ever. */
export const parsePage = ({ packs }: InUseResponse, after: PackId | null): PackId[] => {
  const page = packs.map(packIdFromBytes)
  const isAscending = page.every((pack, i) => pack > ((i === 0 ? after : page[i - 1]) ?? ''))
  demand(isAscending, 'pack.inUse', 'invalid', 'the packs are out of order')
  return page
}
