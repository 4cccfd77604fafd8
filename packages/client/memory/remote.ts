/**
 * A whole server in memory: the twin of the real one for tests and for the simulator. It keeps every promise of the
 * protos, never waits by itself, and can be put back to an older copy, cut off and made to fail.
 */
import { demand } from '@anysync/protocol/errors.ts'
import type { DeviceId } from '@anysync/protocol/ids.ts'
import { idBytes, keyBytes } from '@anysync/protocol/limits.ts'
import { utf8 } from '../crypto/bytes.ts'
import type { Chance, Cipher, Clock, Door, Remote } from '../ports.ts'
import { authenticate, createMemoryRemote } from './server-calls.ts'
import { carryOut, hashHex, type ServerCore, type ServerFault } from './server-core.ts'
import { copyData, emptyData, type ServerData } from './server-data.ts'
import { createMemoryDoor, invite } from './server-door.ts'
import { createWatchers } from './server-watch.ts'

export type { ServerCall, ServerFault } from './server-core.ts'

/** A server as it was. Opaque; good for any number of restores. */
export type ServerCopy = { readonly data: ServerData }

export type MemoryDevice = { deviceId: DeviceId; name: string; createdNs: bigint; isRevoked: boolean }

export interface MemoryServer {
  /** An invitation, good once; for a week unless told otherwise. A quota of 0 is no limit. */
  invite(options?: { validMs?: number; bytesQuota?: number }): Uint8Array<ArrayBuffer>
  door(): Door
  /** What the holder of a device token may ask. A token that is none gives a Remote whose calls are `unauthorized`. */
  remote(token: Uint8Array): Remote
  /** The devices of a device token's account, oldest first. */
  listDevices(token: Uint8Array): Promise<MemoryDevice[]>
  /** Needs the account's token, not a device's. `missing`: the account has no such device. */
  revokeDevice(accessToken: Uint8Array, deviceId: DeviceId): Promise<void>

  /** Consulted around every call from now on; null: no faults. */
  setFault(fault: ServerFault | null): void
  /** Deletes packs that were retired so long ago, as the real server does after its hold time; how many. */
  sweep(heldNs: bigint): number
  /** Every watch ends with `unavailable`. */
  cutWatches(): void
  /** The server as it is now. */
  snapshot(): ServerCopy
  /**
   * Puts the server back. Announced, as by `anysync-server restore`: with a new incarnation. Unannounced: as when its disk
   * was put back behind its back.
   */
  restore(copy: ServerCopy, options: { isAnnounced: boolean }): void

  /**
   * Every byte string and text that it ever received; but for ids, and bearer tokens, which it sees by design and keeps
   * as hashes. Not undone by a restore: what was seen was seen.
   */
  bytesStored(): Iterable<Uint8Array>
}

export const createMemoryServer = ({
  cipher,
  chance,
  clock,
}: {
  cipher: Cipher
  chance: Chance
  clock: Clock
}): MemoryServer => {
  const secret = chance.bytes(keyBytes)
  const certificateFingerprint = cipher.sha256(utf8('the certificate of the memory server'))
  const core: ServerCore = {
    cipher,
    chance,
    clock,
    watchers: createWatchers(),
    data: emptyData(chance.bytes(idBytes)),
    fault: () => {},
    received: [],
  }
  return {
    invite: (options) => invite(core, options),
    door: () => createMemoryDoor(core, certificateFingerprint, secret),
    remote: (token) => createMemoryRemote(core, token),

    listDevices: (token) =>
      carryOut(core, 'account.listDevices', null, () => {
        const { userId } = authenticate(core, 'account.listDevices', hashHex(core, token))
        return [...core.data.devicesByToken.values()]
          .filter((device) => device.userId === userId)
          .map(({ deviceId, name, createdNs, isRevoked }) => ({ deviceId, name, createdNs, isRevoked }))
      }),
    revokeDevice: (accessToken, deviceId) =>
      carryOut(core, 'account.revokeDevice', null, () => revokeDevice(core, hashHex(core, accessToken), deviceId)),

    setFault: (fault) => {
      core.fault = fault ?? (() => {})
    },
    sweep: (heldNs) => sweep(core, heldNs),
    cutWatches: () => core.watchers.cutAll(),
    snapshot: () => ({ data: copyData(core.data) }),
    restore: (copy, { isAnnounced }) => {
      core.data = copyData(copy.data)
      if (isAnnounced) core.data.incarnation = chance.bytes(idBytes)
      core.watchers.cutAll()
    },
    bytesStored: () => core.received.values(),
  }
}

const sweep = (core: ServerCore, heldNs: bigint): number => {
  let swept = 0
  for (const vault of core.data.vaults.values()) {
    for (const [pack, retiredNs] of vault.retired) {
      if (core.clock.nowNs() - retiredNs < heldNs) continue
      vault.packs.delete(pack)
      vault.retired.delete(pack)
      swept += 1
    }
  }
  return swept
}

const revokeDevice = (core: ServerCore, accessTokenHash: string, deviceId: DeviceId): void => {
  const operation = 'account.revokeDevice'
  const account = core.data.accountsByEmail.values().find((account) => account.accessTokenHash === accessTokenHash)
  demand(account !== undefined, operation, 'unauthorized', "this needs the account's password: log in again")
  const found = core.data.devicesByToken
    .entries()
    .find(([, device]) => device.deviceId === deviceId && device.userId === account.userId)
  demand(found !== undefined, operation, 'missing', `the account has no device ${deviceId}`)
  const [tokenHash, device] = found
  core.data.devicesByToken.set(tokenHash, { ...device, isRevoked: true })
  core.watchers.wakeAll()
}
