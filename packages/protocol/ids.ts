/**
 * Ids are opaque strings of lower-case hex, made only by `parse` or from bytes of the right length.
 * As strings they compare and key maps; as bytes they travel.
 */
import { SyncError } from './errors.ts'
import { hashBytes, idBytes } from './limits.ts'

export type VaultId = string & { readonly [vaultId]: true }
export type NodeId = string & { readonly [nodeId]: true }
export type DeviceId = string & { readonly [deviceId]: true }
export type UserId = string & { readonly [userId]: true }
/** HMAC-SHA256 of a chunk's kind and plaintext under the vault's chunk-id key. */
export type ChunkId = string & { readonly [chunkId]: true }
/** SHA-256 of a pack's bytes: its name on the server. */
export type PackId = string & { readonly [packId]: true }
/** SHA-256 of a record's bytes. */
export type RecordHash = string & { readonly [recordHash]: true }

declare const vaultId: unique symbol
declare const nodeId: unique symbol
declare const deviceId: unique symbol
declare const userId: unique symbol
declare const chunkId: unique symbol
declare const packId: unique symbol
declare const recordHash: unique symbol

/** Lower-case hex of bytes. */
export const toHex = (bytes: Uint8Array): string => bytes.toHex()

/**
 * The bytes of a hex text, of which it must be one. V8 keeps small arrays that are made so among its own objects; what
 * `Uint8Array.fromHex` makes costs ten times that.
 */
export const bytesOfHex = (text: string): Uint8Array<ArrayBuffer> => {
  const bytes = new Uint8Array(text.length / 2)
  bytes.setFromHex(text)
  return bytes
}

const idFromBytes =
  <Id extends string>(what: string, length: number) =>
  (bytes: Uint8Array): Id => {
    if (bytes.length !== length) {
      throw new SyncError('id.parse', 'invalid', `a ${what} is ${length} bytes, got ${bytes.length}`)
    }
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- one of the two places where ids are made
    return bytes.toHex() as Id
  }

/** Throws `invalid` unless the text is exactly `length` bytes of lower-case hex. */
const parseId =
  <Id extends string>(length: number) =>
  (text: string): Id => {
    if (text.length !== length * 2 || !/^[0-9a-f]*$/.test(text)) {
      throw new SyncError('id.parse', 'invalid', `an id must be ${length * 2} characters of lower-case hex`)
    }
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the other place where ids are made
    return text as Id
  }

export const vaultIdFromBytes = idFromBytes<VaultId>('vault id', idBytes)
export const nodeIdFromBytes = idFromBytes<NodeId>('node id', idBytes)
export const deviceIdFromBytes = idFromBytes<DeviceId>('device id', idBytes)
export const userIdFromBytes = idFromBytes<UserId>('user id', idBytes)
export const chunkIdFromBytes = idFromBytes<ChunkId>('chunk id', hashBytes)
export const packIdFromBytes = idFromBytes<PackId>('pack name', hashBytes)
export const recordHashFromBytes = idFromBytes<RecordHash>('record hash', hashBytes)

export const parseVaultId = parseId<VaultId>(idBytes)
export const parseNodeId = parseId<NodeId>(idBytes)
export const parseDeviceId = parseId<DeviceId>(idBytes)
export const parseUserId = parseId<UserId>(idBytes)
export const parsePackId = parseId<PackId>(hashBytes)

/** The bytes of an id, as they travel. */
export const idToBytes = (
  id: VaultId | NodeId | DeviceId | UserId | ChunkId | PackId | RecordHash,
): Uint8Array<ArrayBuffer> => bytesOfHex(id)

/** The root folder of every vault. It has no node of its own. */
export const rootNodeId: NodeId = nodeIdFromBytes(new Uint8Array(idBytes))
