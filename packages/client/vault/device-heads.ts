/**
 * The newest record of each device, as far as the log shows. Every record names those its writer knew, so that a server
 * which shows two histories is found out when they meet.
 */
import { create } from '@bufbuild/protobuf'
import { demand } from '@anysync/protocol/errors.ts'
import { DeviceHeadSchema, type DeviceHead } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { deviceIdFromBytes, idToBytes, parseDeviceId, type DeviceId } from '@anysync/protocol/ids.ts'
import { deviceHeadsMax } from '@anysync/protocol/limits.ts'
import type { OpenedRecord } from './record.ts'

export type DeviceHeads = Map<DeviceId, number>

/** The fact that keeps them, in the scope of the vault. */
export const deviceHeadsFact = 'device-heads'

export const parseDeviceHeads = (fact: string | null): DeviceHeads => {
  const heads: DeviceHeads = new Map()
  for (const entry of fact?.split(' ') ?? []) {
    const [id = '', sequence = ''] = entry.split(':')
    heads.set(parseDeviceId(id), Number(sequence))
  }
  return heads
}

export const serializeDeviceHeads = (heads: DeviceHeads): string | null =>
  heads.size === 0 ? null : [...heads].map(([id, sequence]) => `${id}:${sequence}`).join(' ')

/** For a record's body: the newest ones, in the order of ids. */
export const deviceHeadsForBody = (heads: DeviceHeads): DeviceHead[] =>
  [...heads]
    .toSorted(([, a], [, b]) => b - a)
    .slice(0, deviceHeadsMax)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([id, sequence]) => create(DeviceHeadSchema, { deviceId: idToBytes(id), sequence: BigInt(sequence) }))

/**
 * Notes a record that follows those noted. `corrupt` when its writer has seen a newer record of any device than this
 * log shows: then the server shows different histories to different devices.
 */
export const noteRecord = (heads: DeviceHeads, { head, deviceId, body }: OpenedRecord): void => {
  for (const named of body.deviceHeads) {
    const id = deviceIdFromBytes(named.deviceId)
    const message =
      `record ${head.sequence} was written by a device that has seen record ${named.sequence} of device ${id}, ` +
      'which the server does not show here: it shows different histories to different devices; nothing was changed'
    demand(named.sequence <= BigInt(heads.get(id) ?? 0), 'log.verify', 'corrupt', message)
  }
  heads.set(deviceId, head.sequence)
}
