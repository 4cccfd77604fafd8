/**
 * The services of proto/anysync/v1, each call one line: wire words in, a function of ours, wire words out.
 */
import type { ConnectRouter } from '@connectrpc/connect'
import { demand } from '@anysync/protocol/errors.ts'
import {
  deviceIdFromBytes,
  idToBytes,
  packIdFromBytes,
  recordHashFromBytes,
  vaultIdFromBytes,
} from '@anysync/protocol/ids.ts'
import { Account } from '@anysync/protocol/gen/anysync/v1/account_pb.js'
import { Object$ as ObjectService } from '@anysync/protocol/gen/anysync/v1/object_pb.js'
import { Vault, type Head } from '@anysync/protocol/gen/anysync/v1/vault_pb.js'
import type { Accounts } from './accounts.ts'
import { accountOf, addressOf, deviceOf } from './caller.ts'
import type { LoginDesk } from './login.ts'
import type { Objects } from './objects.ts'
import type { Precedence } from './precedence.ts'
import type { Vaults } from './vaults.ts'
import type { LogHead, WatchHub } from './watch.ts'

export type Services = {
  accounts: Accounts
  desk: LoginDesk
  vaults: Vaults
  precedence: Precedence
  objects: Objects
  hub: WatchHub
}

export const serveAll = (router: ConnectRouter, services: Services): void => {
  serveAccounts(router, services)
  serveVaults(router, services)
  serveObjects(router, services)
}

const serveAccounts = (router: ConnectRouter, { accounts, desk }: Services): void => {
  router.service(Account, {
    signUp: async (request, context) => ({ userId: idToBytes(await accounts.signUp(request, addressOf(context))) }),
    challenge: (request) => desk.challenge(request.email),
    login: async (request, context) => {
      const answer = await desk.login(request, addressOf(context))
      return { ...answer, userId: idToBytes(answer.userId), deviceId: idToBytes(answer.deviceId) }
    },
    whoAmI: async (_request, context) => {
      const me = await accounts.whoAmI(deviceOf(context).deviceId)
      return {
        userId: idToBytes(me.userId),
        deviceId: idToBytes(me.deviceId),
        email: me.email,
        deviceName: me.deviceName,
        bytesUsed: BigInt(me.bytesUsed),
        bytesQuota: BigInt(me.bytesQuota ?? 0),
        timeNs: toNs(me.timeMs),
      }
    },
    logout: async (_request, context) => {
      const { userId, deviceId } = deviceOf(context)
      await accounts.revokeDevice(userId, deviceId)
      return {}
    },
    listDevices: async (_request, context) => {
      const devices = await accounts.listDevices(deviceOf(context).userId)
      return {
        devices: devices.map((device) => ({
          deviceId: idToBytes(device.deviceId),
          name: device.name,
          createdNs: toNs(device.createdMs),
          seenNs: toNs(device.seenMs),
          isRevoked: device.isRevoked,
        })),
      }
    },
    revokeDevice: async (request, context) => {
      await accounts.revokeDevice(accountOf(context).userId, deviceIdFromBytes(request.deviceId))
      return {}
    },
  })
}

const serveVaults = (router: ConnectRouter, { vaults, precedence, hub }: Services): void => {
  router.service(Vault, {
    createVault: async (request, context) => {
      await vaults.create(deviceOf(context).userId, vaultIdFromBytes(request.vaultId), request.grant)
      return {}
    },
    listVaults: async (_request, context) => {
      const infos = await vaults.list(deviceOf(context).userId)
      return {
        vaults: infos.map((info) => ({
          vaultId: idToBytes(info.vaultId),
          grant: info.grant,
          head: fromHead(info.head),
          bytesStored: BigInt(info.bytesStored),
        })),
        incarnation: await vaults.incarnation(),
      }
    },
    append: async (request, context) => {
      const { userId, deviceId } = deviceOf(context)
      const vaultId = vaultIdFromBytes(request.vaultId)
      const wanted = {
        expected: toHead(request.expected),
        record: request.record,
        packs: request.packs.map(packIdFromBytes),
        retired: request.retired.map(packIdFromBytes),
      }
      const append = () => vaults.append(userId, vaultId, wanted)
      const head = await precedence.append(vaultId, deviceId, context.signal, append)
      return { head: fromHead(head) }
    },
    recordsSince: async function* (request, context) {
      const vaultId = vaultIdFromBytes(request.vaultId)
      const after = toSequence(request.sequence)
      const { userId } = deviceOf(context)
      for await (const record of vaults.recordsSince(userId, vaultId, after, request.isFromCheckpoint)) yield { record }
    },
    watch: async function* (_request, context) {
      const device = deviceOf(context)
      for await (const move of hub.watch(device, () => vaults.heads(device.userId), context.signal)) {
        yield move === null ? {} : { vaultId: idToBytes(move.vaultId), head: fromHead(move.head) }
      }
    },
  })
}

const serveObjects = (router: ConnectRouter, { objects }: Services): void => {
  router.service(ObjectService, {
    existing: async (request, context) => {
      const packs = request.packs.map(packIdFromBytes)
      const vaultId = vaultIdFromBytes(request.vaultId)
      const { stored, retired } = await objects.existing(deviceOf(context).userId, vaultId, packs)
      return { packs: stored.map(idToBytes), retired: retired.map(idToBytes) }
    },
    inUse: async (request, context) => {
      const after = request.after.length === 0 ? null : packIdFromBytes(request.after)
      const packs = await objects.inUse(deviceOf(context).userId, vaultIdFromBytes(request.vaultId), after)
      return { packs: packs.map(idToBytes) }
    },
  })
}

const toNs = (ms: number): bigint => BigInt(ms) * 1_000_000n

const toSequence = (sequence: bigint): number => {
  demand(sequence <= BigInt(Number.MAX_SAFE_INTEGER), 'vault.read', 'invalid', `there is no sequence ${sequence}`)
  return Number(sequence)
}

const fromHead = (head: LogHead) =>
  head === null
    ? { sequence: 0n, hash: new Uint8Array() }
    : { sequence: BigInt(head.sequence), hash: idToBytes(head.hash) }

/** Absent and empty both say: an empty log. */
const toHead = (head: Head | undefined): LogHead => {
  if (head === undefined || (head.sequence === 0n && head.hash.length === 0)) return null
  return { sequence: toSequence(head.sequence), hash: recordHashFromBytes(head.hash) }
}
