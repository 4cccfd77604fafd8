/**
 * What the tests of vaults share: an identity with devices, keys of a vault, bodies and nodes.
 */
import { create, type MessageInitShape } from '@bufbuild/protobuf'
import { nodeCipher } from '@anysync/cli/ports/cipher.ts'
import { SyncError, type Kind } from '@anysync/protocol/errors.ts'
import {
  ContentSchema,
  NodeKind,
  NodeSchema,
  SnapshotBodySchema,
  StatisticsSchema,
  type Content,
  type Node,
  type SnapshotBody,
} from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { deviceIdFromBytes, idToBytes, nodeIdFromBytes, vaultIdFromBytes, type NodeId } from '@anysync/protocol/ids.ts'
import { certifyDevice } from '../crypto/sign.ts'
import { openVaultKeys, type VaultKeys } from '../crypto/vault-keys.ts'
import { seededChance } from '../memory/chance.ts'
import type { Chance } from '../ports.ts'
import type { Signer } from './record.ts'

export const cipher = nodeCipher

/** For `assert.throws` and `assert.rejects`: the kind, and words of the sentence. */
export const trouble =
  (kind: Kind, words = /./) =>
  (error: unknown): boolean => {
    if (error instanceof SyncError && error.kind === kind && words.test(error.message)) return true
    throw error
  }

export const identitySeed = new Uint8Array(32).fill(0xa1)
export const identityPublicKey = cipher.signPublicKey(identitySeed)
export const vaultId = vaultIdFromBytes(new Uint8Array(16).fill(0x11))

/** Keys of a vault whose vault key of each epoch is one byte, repeated. */
export const keysOf = (id = vaultId, epochs = [0], chance: Chance = seededChance(1)): VaultKeys =>
  openVaultKeys(cipher, chance, id, new Map(epochs.map((epoch) => [epoch, new Uint8Array(32).fill(0x20 + epoch)])))

/** A device of an identity. */
export const signerOf = (number: number, identity = identitySeed): Signer => {
  const signingSeed = new Uint8Array(32).fill(0x40 + number)
  const deviceId = deviceIdFromBytes(new Uint8Array(16).fill(0x40 + number))
  const devicePublicKey = cipher.signPublicKey(signingSeed)
  const certificate = certifyDevice(cipher, identity, {
    deviceId,
    devicePublicKey,
    issuedNs: 1_700_000_000_000_000_000n,
  })
  return { signingSeed, certificate }
}

export const contentOf = (size: number, ...chunks: number[]): Content =>
  create(ContentSchema, { size: BigInt(size), chunks: chunks.map((byte) => new Uint8Array(32).fill(byte)) })

export const bodyOf = (changes: MessageInitShape<typeof SnapshotBodySchema> = {}): SnapshotBody =>
  create(SnapshotBodySchema, {
    root: contentOf(100, 0x77),
    timeNs: 1_795_437_261_123_456_789n,
    deviceName: 'Ada’s laptop',
    statistics: create(StatisticsSchema, { files: 2n, folders: 1n, bytes: 300n, nodesChanged: 3n, bytesStored: 4096n }),
    label: 'before the move',
    ...changes,
  })

export const nodeIdOf = (number: number): NodeId =>
  nodeIdFromBytes(Uint8Array.of(0x99, ...new Uint8Array(13), number >> 8, number & 255))

export const fileOf = (number: number, name: string, content = contentOf(3, number & 255)): Node =>
  create(NodeSchema, {
    id: idToBytes(nodeIdOf(number)),
    name,
    kind: NodeKind.FILE,
    mode: 0o644,
    mtimeNs: 1_795_437_261_123_456_789n,
    content,
  })

export const folderOf = (number: number, name: string, content = contentOf(0)): Node =>
  create(NodeSchema, { ...fileOf(number, name, content), kind: NodeKind.FOLDER, mode: 0o755 })

export const symlinkOf = (number: number, name: string, linkTarget: string): Node =>
  create(NodeSchema, {
    id: idToBytes(nodeIdOf(number)),
    name,
    kind: NodeKind.SYMLINK,
    mtimeNs: -1n,
    linkTarget,
  })
