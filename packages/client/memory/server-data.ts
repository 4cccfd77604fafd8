/**
 * What the memory server stores, as plain rows. Rows and byte strings are never changed in place, so a copy of the
 * maps is a copy of the server as it was: that is what a backup is.
 */
import type { Kdf } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import type { DeviceId, PackId, RecordHash, UserId, VaultId } from '@anysync/protocol/ids.ts'
import type { LogHead } from '../ports.ts'

export type AccountRow = {
  readonly userId: UserId
  readonly email: string
  readonly loginPublicKey: Uint8Array
  readonly kdf: Kdf
  readonly accessTokenHash: string
  readonly identityPublicKey: Uint8Array
  readonly boxPublicKey: Uint8Array
  readonly masterKeys: Uint8Array
  /** The most pack bytes that the account's vaults may hold; 0: no limit. */
  readonly bytesQuota: number
}

export type DeviceRow = {
  readonly deviceId: DeviceId
  readonly userId: UserId
  readonly name: string
  readonly createdNs: bigint
  readonly isRevoked: boolean
}

export type VaultRow = {
  readonly vaultId: VaultId
  readonly owner: UserId
  readonly grants: Map<UserId, Uint8Array>
  /** The record with sequence n is at n - 1. */
  readonly records: { readonly hash: RecordHash; readonly bytes: Uint8Array }[]
  readonly packs: Map<PackId, Uint8Array>
  /** Packs that a record has brought. */
  readonly named: Set<PackId>
  /** Packs that a record retired and none has brought again, and when. */
  readonly retired: Map<PackId, bigint>
}

export type ServerData = {
  /** New after every announced restore. */
  incarnation: Uint8Array
  /** Invitations that may still be used, by the SHA-256 of the invitation. */
  readonly invitations: Map<string, { expiresNs: bigint; bytesQuota: number }>
  readonly accountsByEmail: Map<string, AccountRow>
  /** Challenges that may still be answered. */
  readonly challenges: Map<string, { email: string; expiresNs: bigint }>
  /** Every device that ever signed in, by the SHA-256 of its token. */
  readonly devicesByToken: Map<string, DeviceRow>
  readonly vaults: Map<VaultId, VaultRow>
}

export const emptyData = (incarnation: Uint8Array): ServerData => ({
  incarnation,
  invitations: new Map(),
  accountsByEmail: new Map(),
  challenges: new Map(),
  devicesByToken: new Map(),
  vaults: new Map(),
})

/** The whole server as it is now; later changes do not reach the copy. */
export const copyData = (data: ServerData): ServerData => ({
  incarnation: data.incarnation,
  invitations: new Map(data.invitations),
  accountsByEmail: new Map(data.accountsByEmail),
  challenges: new Map(data.challenges),
  devicesByToken: new Map(data.devicesByToken),
  vaults: new Map([...data.vaults].map(([vaultId, vault]) => [vaultId, copyVault(vault)])),
})

const copyVault = (vault: VaultRow): VaultRow => ({
  ...vault,
  grants: new Map(vault.grants),
  records: [...vault.records],
  packs: new Map(vault.packs),
  named: new Set(vault.named),
  retired: new Map(vault.retired),
})

export const headOf = (vault: VaultRow): LogHead | null => {
  const newest = vault.records.at(-1)
  return newest === undefined ? null : { sequence: vault.records.length, hash: newest.hash }
}

/** Pack bytes that a vault holds. */
export const bytesOf = (vault: VaultRow): number => {
  let sum = 0
  for (const pack of vault.packs.values()) sum += pack.length
  return sum
}
