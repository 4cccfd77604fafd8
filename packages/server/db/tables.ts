/**
 * What the server remembers, as types. Ids are lower-case hex; times are milliseconds since 1970-01-01 UTC.
 * There is no column for anything that a client can read and the server cannot: all of that is in `bytes` of its own.
 */
import type { Kysely } from 'kysely'
import type { DeviceId, PackId, RecordHash, UserId, VaultId } from '@anysync/protocol/ids.ts'
import type { TokenHash } from '../tokens.ts'

export type Tables = {
  setting: { name: 'incarnation'; value: Uint8Array }
  account: {
    user_id: UserId
    email: string
    login_public_key: Uint8Array
    kdf_n: number
    kdf_r: number
    kdf_p: number
    kdf_salt: Uint8Array
    token_hash: TokenHash
    identity_public_key: Uint8Array
    box_public_key: Uint8Array
    master_keys: Uint8Array
    /** The most bytes of packs; null for no limit. */
    bytes_quota: number | null
    bytes_used: number
    created_ms: number
  }
  device: {
    device_id: DeviceId
    user_id: UserId
    name: string
    client_version: string
    token_hash: TokenHash
    created_ms: number
    seen_ms: number
    revoked_ms: number | null
  }
  invitation: {
    token_hash: TokenHash
    bytes_quota: number | null
    created_ms: number
    expires_ms: number
    used_ms: number | null
  }
  vault: {
    vault_id: VaultId
    owner: UserId
    /** 0 and '' for an empty log. */
    head_sequence: number
    head_hash: RecordHash | ''
    bytes_stored: number
    created_ms: number
    /** Of the newest checkpoint in the log, 0 for none. */
    checkpoint_sequence: number
  }
  /** The right of an account to a vault. No row, no access. */
  vault_grant: { vault_id: VaultId; user_id: UserId; sealed: Uint8Array }
  record: { vault_id: VaultId; sequence: number; hash: RecordHash; bytes: Uint8Array; received_ms: number }
  /** Written only after the pack is durable in the store. */
  pack: {
    vault_id: VaultId
    pack: PackId
    bytes: number
    stored_ms: number
    /** 1 once a record brought it. */
    is_named: number
    /** Since when no record needs it; null while one does. */
    retired_ms: number | null
  }
}

export type Database = Kysely<Tables>
