/**
 * Packs of vaults: bytes whose SHA-256 is their name. Counts them against the owner's quota before a byte is
 * accepted, and writes them down only when they are durable.
 */
import type { Readable } from 'node:stream'
import { demand, SyncError } from '@anysync/protocol/errors.ts'
import type { PackId, UserId, VaultId } from '@anysync/protocol/ids.ts'
import { existingPacksMax, packBytesMax, uploadsAtOnceMax, uploadsPerAccountMax } from '@anysync/protocol/limits.ts'
import { vaultFor } from './authorize.ts'
import type { Clock } from './clock.ts'
import type { Database } from './db/tables.ts'
import type { PackLocks } from './pack-locks.ts'
import type { ByteRange, PackStore } from './store/store.ts'

export type Objects = {
  /** 'known' when the pack was stored already; the body is then not read. */
  put(
    userId: UserId,
    vaultId: VaultId,
    pack: PackId,
    body: AsyncIterable<Uint8Array>,
    length: number,
  ): Promise<'stored' | 'known'>
  /** The length in bytes, or `missing`. */
  length(userId: UserId, vaultId: VaultId, pack: PackId): Promise<number>
  /** After `length` found it. */
  read(vaultId: VaultId, pack: PackId, range: ByteRange | null): Promise<Readable>
  /** Those that are stored, in the order asked. */
  existing(userId: UserId, vaultId: VaultId, packs: PackId[]): Promise<{ stored: PackId[]; retired: PackId[] }>
  /** A page of those that records need, by name, behind `after`; null for the first page. */
  inUse(userId: UserId, vaultId: VaultId, after: PackId | null): Promise<PackId[]>
}

export const createObjects = ({
  database,
  store,
  clock,
  locks,
}: {
  database: Database
  store: PackStore
  clock: Clock
  locks: PackLocks
}): Objects => {
  const uploads = createUploads()

  const rowOf = (vaultId: VaultId, pack: PackId) =>
    database
      .selectFrom('pack')
      .select('bytes')
      .where('vault_id', '=', vaultId)
      .where('pack', '=', pack)
      .executeTakeFirst()

  return {
    put: async (userId, vaultId, pack, body, length) => {
      const { owner } = await vaultFor(database, userId, vaultId)
      demand(
        length >= 1 && length <= packBytesMax,
        'object.put',
        'invalid',
        `a pack is 1 to ${packBytesMax} bytes, announced were ${length}`,
      )
      using _lock = locks.share(vaultId, pack)
      const row = await rowOf(vaultId, pack)
      // A pack that the disk lost is taken again, so the one who still has it heals the vault.
      if (row !== undefined && (await store.head(vaultId, pack)) === row.bytes) return 'known'
      using upload = uploads.begin(owner, length)
      if (row === undefined) await checkQuota(database, owner, upload.promisedBytes())
      await store.put(vaultId, pack, body, length)
      return (await writeDown(database, clock, { owner, vaultId, pack, length })) ? 'stored' : 'known'
    },

    length: async (userId, vaultId, pack) => {
      await vaultFor(database, userId, vaultId)
      const row = await rowOf(vaultId, pack)
      demand(row !== undefined, 'object.get', 'missing', `vault ${vaultId} has no pack ${pack}`)
      // Who asks wants to know whether the bytes are there, not whether they were.
      const isThere = (await store.head(vaultId, pack)) === row.bytes
      demand(isThere, 'object.get', 'missing', `the server has lost pack ${pack} of vault ${vaultId}`)
      return row.bytes
    },

    read: async (vaultId, pack, range) => {
      const stream = await store.get(vaultId, pack, range)
      demand(stream !== null, 'object.get', 'missing', `the server has lost pack ${pack} of vault ${vaultId}`)
      return stream
    },

    existing: async (userId, vaultId, packs) => {
      await vaultFor(database, userId, vaultId)
      demand(
        packs.length <= existingPacksMax,
        'object.existing',
        'invalid',
        `ask for at most ${existingPacksMax} packs at once, got ${packs.length}`,
      )
      if (packs.length === 0) return { stored: [], retired: [] }
      const rows = await database
        .selectFrom('pack')
        .select(['pack', 'bytes', 'retired_ms'])
        .where('vault_id', '=', vaultId)
        .where('pack', 'in', packs)
        .execute()
      const isRetiredByPack = new Map<PackId, boolean>()
      for (const row of rows)
        if ((await store.head(vaultId, row.pack)) === row.bytes) isRetiredByPack.set(row.pack, row.retired_ms !== null)
      const stored = packs.filter((pack) => isRetiredByPack.has(pack))
      return { stored, retired: stored.filter((pack) => isRetiredByPack.get(pack)) }
    },

    inUse: async (userId, vaultId, after) => {
      await vaultFor(database, userId, vaultId)
      let query = database
        .selectFrom('pack')
        .select('pack')
        .where('vault_id', '=', vaultId)
        .where('is_named', '=', 1)
        .where('retired_ms', 'is', null)
      if (after !== null) query = query.where('pack', '>', after)
      const rows = await query.orderBy('pack').limit(existingPacksMax).execute()
      return rows.map(({ pack }) => pack)
    },
  }
}

/** What is being uploaded now, so that many at once cannot pass a quota that each alone would keep. */
const createUploads = () => {
  const lengthsByOwner = new Map<UserId, number[]>()
  let count = 0
  return {
    begin: (owner: UserId, length: number): Disposable & { promisedBytes(): number } => {
      const lengths = lengthsByOwner.get(owner) ?? []
      if (count >= uploadsAtOnceMax || lengths.length >= uploadsPerAccountMax) {
        throw new SyncError('object.put', 'unavailable', 'too many uploads at once: wait a moment and send it again')
      }
      count++
      lengths.push(length)
      lengthsByOwner.set(owner, lengths)
      return {
        promisedBytes: () => lengths.reduce((sum, length) => sum + length, 0),
        [Symbol.dispose]: () => {
          count--
          lengths.splice(lengths.indexOf(length), 1)
          if (lengths.length === 0) lengthsByOwner.delete(owner)
        },
      }
    },
  }
}

const checkQuota = async (database: Database, owner: UserId, promisedBytes: number): Promise<void> => {
  const { bytes_quota: quota, bytes_used: used } = await database
    .selectFrom('account')
    .select(['bytes_quota', 'bytes_used'])
    .where('user_id', '=', owner)
    .executeTakeFirstOrThrow()
  demand(
    quota === null || used + promisedBytes <= quota,
    'object.put',
    'full',
    `the account may store ${quota ?? 0} bytes and holds ${used}: ask the operator of the server for more`,
  )
}

/** False when another upload of the same pack was faster. */
const writeDown = (
  database: Database,
  clock: Clock,
  { owner, vaultId, pack, length }: { owner: UserId; vaultId: VaultId; pack: PackId; length: number },
): Promise<boolean> =>
  database.transaction().execute(async (transaction) => {
    const inserted = await transaction
      .insertInto('pack')
      .values({ vault_id: vaultId, pack, bytes: length, stored_ms: clock.nowMs(), is_named: 0, retired_ms: null })
      .onConflict((on) => on.doNothing())
      .returning('pack')
      .executeTakeFirst()
    if (inserted === undefined) return false
    await transaction
      .updateTable('vault')
      .set((of) => ({ bytes_stored: of('bytes_stored', '+', length) }))
      .where('vault_id', '=', vaultId)
      .execute()
    await transaction
      .updateTable('account')
      .set((of) => ({ bytes_used: of('bytes_used', '+', length) }))
      .where('user_id', '=', owner)
      .execute()
    return true
  })
