/**
 * The memory server towards a device: the Remote that one token gives, as vault.proto and object.proto promise it.
 */
import { fromBinary } from '@bufbuild/protobuf'
import { demand, SyncError } from '@anysync/protocol/errors.ts'
import {
  RecordHeaderSchema,
  RecordKind,
  RecordSchema,
  type RecordHeader,
} from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import {
  idToBytes,
  packIdFromBytes,
  recordHashFromBytes,
  type DeviceId,
  type PackId,
  type VaultId,
} from '@anysync/protocol/ids.ts'
import * as limits from '@anysync/protocol/limits.ts'
import { equalBytes } from '../crypto/bytes.ts'
import { encodeContext } from '../crypto/context.ts'
import type { LogHead, Me, Remote } from '../ports.ts'
import { carryOut, hashHex, receive, type ServerCore } from './server-core.ts'
import { bytesOf, headOf, type AccountRow, type DeviceRow, type VaultRow } from './server-data.ts'

export const createMemoryRemote = (core: ServerCore, token: Uint8Array): Remote => {
  const tokenHash = hashHex(core, token)
  const deviceId = (): DeviceId | null => core.data.devicesByToken.get(tokenHash)?.deviceId ?? null
  const call = <Result>(operation: string, work: (device: DeviceRow) => Result): Promise<Result> =>
    carryOut(core, operation, deviceId(), () => work(authenticate(core, operation, tokenHash)))

  return {
    whoAmI: () => call('account.whoAmI', (device) => whoAmI(core, device)),

    logout: () =>
      call('account.logout', (device) => {
        core.data.devicesByToken.set(tokenHash, { ...device, isRevoked: true })
        core.watchers.wakeAll()
      }),

    createVault: (vaultId, grant) => call('vault.create', (device) => createVault(core, device, vaultId, grant)),

    listVaults: () =>
      call('vault.list', (device) => {
        const vaults = []
        for (const vault of core.data.vaults.values()) {
          const grant = vault.grants.get(device.userId)
          if (grant === undefined) continue
          const { vaultId } = vault
          vaults.push({ vaultId, grant: grant.slice(), head: headOf(vault), bytesStored: bytesOf(vault) })
        }
        return { vaults, incarnation: core.data.incarnation.slice() }
      }),

    append: (vaultId, expected, record, packs, retired = []) =>
      call('vault.append', (device) => {
        const vault = authorize(core, 'vault.append', device, vaultId)
        return append(core, vault, expected, receive(core, record), { packs, retired })
      }),

    recordsSince: async function* (vaultId, sequence, isFromCheckpoint = false) {
      const operation = 'vault.recordsSince'
      const records = await call(operation, (device) => {
        const { records } = authorize(core, operation, device, vaultId)
        const checkpoint = isFromCheckpoint ? records.findLastIndex(isCheckpoint) : -1
        return records.slice(Math.max(checkpoint, sequence))
      })
      for (const record of records) {
        await core.fault({ operation, moment: 'during', device: deviceId() })
        yield record.bytes.slice()
      }
    },

    watch: (signal) => watch(core, tokenHash, signal),

    existingPacks: (vaultId, packs) =>
      call('pack.existing', (device) => {
        const vault = authorize(core, 'pack.existing', device, vaultId)
        const stored = packs.filter((pack) => vault.packs.has(pack))
        return new Map(stored.map((pack) => [pack, vault.retired.has(pack) ? 'retired' : 'kept']))
      }),

    packsInUse: (vaultId) =>
      call('pack.inUse', (device) => {
        const { packs, named, retired } = authorize(core, 'pack.inUse', device, vaultId)
        return [...packs.keys()].filter((pack) => named.has(pack) && !retired.has(pack)).sort()
      }),

    putPack: (vaultId, pack, bytes) =>
      call('pack.put', (device) => {
        const vault = authorize(core, 'pack.put', device, vaultId)
        putPack(core, vault, pack, bytes)
      }),

    getPack: (vaultId, pack, offset, length, memory) =>
      call('pack.get', (device) => {
        const bytes = authorize(core, 'pack.get', device, vaultId).packs.get(pack)
        demand(offset >= 0 && length > 0, 'pack.get', 'invalid', 'a range begins at 0 or later and is not empty')
        demand(bytes !== undefined, 'pack.get', 'missing', `pack ${pack} is not stored`)
        const end = offset + length
        demand(
          end <= bytes.length,
          'pack.get',
          'missing',
          `pack ${pack} has ${bytes.length} bytes; bytes up to ${end} were wanted`,
        )
        if (memory === undefined) return bytes.slice(offset, end)
        memory.set(bytes.subarray(offset, end))
        return memory.subarray(0, length)
      }),

    packLength: (vaultId, pack) =>
      call('pack.length', (device) => vaultOf(core, device, vaultId)?.packs.get(pack)?.length ?? null),
  }
}

/** Who a token belongs to. The one place where tokens are looked at. */
export const authenticate = (core: ServerCore, operation: string, tokenHash: string): DeviceRow => {
  const device = core.data.devicesByToken.get(tokenHash)
  if (device === undefined || device.isRevoked) {
    throw new SyncError(operation, 'unauthorized', 'this device is not signed in: log in again')
  }
  return device
}

/** The vault, if the device's account has a grant to it. The one place where vaults are opened to a caller. */
const authorize = (core: ServerCore, operation: string, device: DeviceRow, vaultId: VaultId): VaultRow => {
  const vault = vaultOf(core, device, vaultId)
  if (vault === null) throw new SyncError(operation, 'missing', `there is no vault ${vaultId}`)
  return vault
}

const vaultOf = (core: ServerCore, device: DeviceRow, vaultId: VaultId): VaultRow | null => {
  const vault = core.data.vaults.get(vaultId)
  return vault?.grants.has(device.userId) === true ? vault : null
}

const whoAmI = (core: ServerCore, device: DeviceRow): Me => {
  const account = accountOf(core, device.userId)
  return {
    userId: device.userId,
    deviceId: device.deviceId,
    email: account.email,
    deviceName: device.name,
    bytesUsed: bytesUsedBy(core, device.userId),
    bytesQuota: account.bytesQuota,
    timeNs: core.clock.nowNs(),
  }
}

const accountOf = (core: ServerCore, userId: DeviceRow['userId']): AccountRow => {
  for (const account of core.data.accountsByEmail.values()) if (account.userId === userId) return account
  throw new Error(`no account ${userId} behind a device that is signed in`)
}

const bytesUsedBy = (core: ServerCore, userId: DeviceRow['userId']): number => {
  let sum = 0
  for (const vault of core.data.vaults.values()) if (vault.owner === userId) sum += bytesOf(vault)
  return sum
}

const createVault = (core: ServerCore, device: DeviceRow, vaultId: VaultId, grant: Uint8Array): void => {
  const isInBounds = grant.length > 0 && grant.length <= limits.grantBytesMax
  demand(isInBounds, 'vault.create', 'invalid', `a grant is 1 to ${limits.grantBytesMax} bytes, got ${grant.length}`)
  const taken = core.data.vaults.get(vaultId)
  if (taken !== undefined) {
    const isRepeated = equalBytes(taken.grants.get(device.userId) ?? new Uint8Array(), grant)
    demand(isRepeated, 'vault.create', 'conflict', `the vault id ${vaultId} is taken: choose another`)
    return
  }
  const grants = new Map([[device.userId, receive(core, grant)]])
  core.data.vaults.set(vaultId, {
    vaultId,
    owner: device.userId,
    grants,
    records: [],
    packs: new Map(),
    named: new Set(),
    retired: new Map(),
  })
  core.watchers.tell(device.userId, vaultId, null)
}

const append = (
  core: ServerCore,
  vault: VaultRow,
  expected: LogHead | null,
  record: Uint8Array,
  { packs, retired }: { packs: PackId[]; retired: PackId[] },
): LogHead => {
  const operation = 'vault.append'
  demand(
    packs.length <= limits.appendPacksMax && retired.length <= limits.retiredPacksMax,
    operation,
    'invalid',
    `${packs.length} packs are too many for one record`,
  )
  demand(record.length <= limits.recordBytesMax, operation, 'invalid', `a record of ${record.length} bytes is too long`)
  const head = headOf(vault)
  const hash = recordHashFromBytes(core.cipher.sha256(record))
  if (head?.hash === hash) return head
  demand(
    head?.sequence === expected?.sequence && head?.hash === expected?.hash,
    operation,
    'conflict',
    `the head of vault ${vault.vaultId} is ${head?.sequence ?? 0}, not ${expected?.sequence ?? 0}: pull and decide again`,
  )
  checkHeader(core, vault.vaultId, head, record)
  for (const pack of packs) {
    demand(vault.packs.has(pack), operation, 'missing', `pack ${pack} is not stored: store it and append again`)
  }
  vault.records.push({ hash, bytes: record })
  for (const pack of retired) if (vault.packs.has(pack)) vault.retired.set(pack, core.clock.nowNs())
  for (const pack of packs) {
    vault.retired.delete(pack)
    vault.named.add(pack)
  }
  const newHead = { sequence: vault.records.length, hash }
  for (const userId of vault.grants.keys()) core.watchers.tell(userId, vault.vaultId, newHead)
  return newHead
}

const checkHeader = (core: ServerCore, vaultId: VaultId, head: LogHead | null, record: Uint8Array): void => {
  const header = parseHeader(record)
  const id = idToBytes(vaultId)
  const previous = head === null ? core.cipher.sha256(encodeContext('genesis', id)) : idToBytes(head.hash)
  const isNext =
    header !== null &&
    equalBytes(header.vaultId, id) &&
    header.sequence === BigInt((head?.sequence ?? 0) + 1) &&
    equalBytes(header.previous, previous)
  demand(isNext, 'vault.append', 'invalid', `the record's header does not continue the log of vault ${vaultId}`)
}

const isCheckpoint = ({ bytes }: { bytes: Uint8Array }): boolean => parseHeader(bytes)?.kind === RecordKind.CHECKPOINT

const parseHeader = (record: Uint8Array): RecordHeader | null => {
  try {
    return fromBinary(RecordHeaderSchema, fromBinary(RecordSchema, record).header)
  } catch {
    // Bytes that are no message are a fact here; the caller says what is wrong with the record.
    return null
  }
}

const putPack = (core: ServerCore, vault: VaultRow, pack: PackId, bytes: Uint8Array): void => {
  const operation = 'pack.put'
  const isInBounds = bytes.length > 0 && bytes.length <= limits.packBytesMax
  demand(isInBounds, operation, 'invalid', `a pack is 1 to ${limits.packBytesMax} bytes, got ${bytes.length}`)
  if (vault.packs.has(pack)) return
  const own = receive(core, bytes)
  const name = packIdFromBytes(core.cipher.sha256(own))
  demand(name === pack, operation, 'corrupt', `the bytes sent as pack ${pack} are another pack's: nothing was stored`)
  const { bytesQuota } = accountOf(core, vault.owner)
  demand(
    bytesQuota === 0 || bytesUsedBy(core, vault.owner) + own.length <= bytesQuota,
    operation,
    'full',
    `the account's quota of ${bytesQuota} bytes is used up: free space or ask for more`,
  )
  vault.packs.set(pack, own)
}

async function* watch(core: ServerCore, tokenHash: string, signal: AbortSignal): ReturnType<Remote['watch']> {
  const operation = 'vault.watch'
  if (signal.aborted) return
  await core.fault({ operation, moment: 'before', device: core.data.devicesByToken.get(tokenHash)?.deviceId ?? null })
  const { userId, deviceId } = authenticate(core, operation, tokenHash)
  using watcher = core.watchers.open(userId)
  for (const vault of core.data.vaults.values()) {
    if (vault.grants.has(userId)) core.watchers.tell(userId, vault.vaultId, headOf(vault))
  }
  while (!signal.aborted) {
    demand(!watcher.isCut(), operation, 'unavailable', 'the line to the server was lost')
    authenticate(core, operation, tokenHash)
    const news = watcher.take()
    if (news === null) {
      await watcher.wait(signal)
    } else {
      await core.fault({ operation, moment: 'during', device: deviceId })
      yield news
    }
  }
}
