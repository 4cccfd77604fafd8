/**
 * Grants: the right of an account to a vault. The vault key is sealed for the account under a key that the server never
 * sees, and bound to vault, epoch, role and owner; so a server can neither introduce a key nor move one to another place.
 */
import { create, toBinary } from '@bufbuild/protobuf'
import { assert, demand } from '@anysync/protocol/errors.ts'
import { GrantSchema, Role, VaultLabelSchema, type Grant } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { idToBytes, type VaultId } from '@anysync/protocol/ids.ts'
import { grantBytesMax, keyBytes, vaultNameBytesMax } from '@anysync/protocol/limits.ts'
import { equalBytes, utf8 } from '../crypto/bytes.ts'
import { encodeContext } from '../crypto/context.ts'
import { parseMessage } from '../crypto/message.ts'
import { paddingOfRoom } from '../crypto/padding.ts'
import { deriveKey } from '../crypto/purposes.ts'
import { sealKey, type SealKey } from '../crypto/xaes.ts'
import type { Chance, Cipher } from '../ports.ts'
import { explain } from './explain.ts'

const version = 1

/** Every label is so long, whatever the name: no length of a name shows. The longest name takes 258 bytes. */
const labelBytes = 512

/** The account whose grants these are. */
export type GrantOwner = { fileKey: Uint8Array; identityPublicKey: Uint8Array }

export type OpenedGrant = { vaultId: VaultId; epoch: number; role: Role; vaultKey: Uint8Array; name: string }

/** A grant of a new vault, with a new vault key of epoch 0, to its owner. Throws `invalid` for a name that a vault cannot have. */
export const newVaultGrant = (
  parts: { cipher: Cipher; chance: Chance },
  owner: GrantOwner,
  vaultId: VaultId,
  name: string,
): { grant: Uint8Array; vaultKey: Uint8Array } => {
  const vaultKey = parts.chance.bytes(keyBytes)
  const grant = create(GrantSchema, { version, vaultId: idToBytes(vaultId), epoch: 0, role: Role.OWNER })
  grant.sealedVaultKey = keyFor(parts, owner, 'grant').seal(vaultKey, grantContext(grant, owner))
  grant.sealedLabel = keyFor(parts, owner, 'label').seal(serializeLabel(name), labelContext(grant))
  return { grant: toBinary(GrantSchema, grant), vaultKey }
}

/**
 * Opens the grant that the server keeps for this vault. `corrupt` unless it was made by this account for exactly this
 * vault, epoch and role; `invalid` when a newer AnySync made it.
 */
export const openGrant = (
  parts: { cipher: Cipher; chance: Chance },
  owner: GrantOwner,
  vaultId: VaultId,
  bytes: Uint8Array,
): OpenedGrant => {
  const operation = 'grant.open'
  const name = `the grant of vault ${vaultId}`
  demand(bytes.length <= grantBytesMax, operation, 'corrupt', `${name} is ${bytes.length} bytes, too many`)
  const grant = parseMessage(GrantSchema, bytes, operation, name)
  demand(grant.version <= version, operation, 'invalid', `${name} was made by a newer AnySync: update this one`)
  const isOurs = grant.version === version && grant.role === Role.OWNER
  demand(isOurs, operation, 'corrupt', `${name} says version ${grant.version} and role ${grant.role}`)
  demand(equalBytes(grant.vaultId, idToBytes(vaultId)), operation, 'corrupt', `${name} is of another vault`)
  const vaultKey = explain(operation, `the key in ${name} cannot be opened`, () =>
    keyFor(parts, owner, 'grant').open(grant.sealedVaultKey, grantContext(grant, owner)),
  )
  demand(vaultKey.length === keyBytes, operation, 'corrupt', `${name} holds a key of ${vaultKey.length} bytes`)
  const label = explain(operation, `the label in ${name} cannot be opened`, () =>
    keyFor(parts, owner, 'label').open(grant.sealedLabel, labelContext(grant)),
  )
  return { vaultId, epoch: grant.epoch, role: grant.role, vaultKey, name: parseLabel(label, name) }
}

const keyFor = (
  { cipher, chance }: { cipher: Cipher; chance: Chance },
  owner: GrantOwner,
  purpose: 'grant' | 'label',
): SealKey => sealKey(cipher, chance, deriveKey(cipher, owner.fileKey, purpose))

const grantContext = (grant: Grant, owner: GrantOwner): Uint8Array =>
  encodeContext('grant', grant.vaultId, grant.epoch, grant.role, owner.identityPublicKey)

const labelContext = (grant: Grant): Uint8Array => encodeContext('label', grant.vaultId)

const isVaultName = (name: string): boolean => name !== '' && utf8(name).length <= vaultNameBytesMax

const serializeLabel = (name: string): Uint8Array => {
  const message = `the name of a vault must be 1 to ${vaultNameBytesMax} bytes long: choose another`
  demand(isVaultName(name), 'grant.new', 'invalid', message)
  const bare = toBinary(VaultLabelSchema, create(VaultLabelSchema, { name }))
  const padding = paddingOfRoom(labelBytes - bare.length)
  assert(padding !== null, 'every name leaves room for padding')
  return toBinary(VaultLabelSchema, create(VaultLabelSchema, { name, padding: new Uint8Array(padding) }))
}

const parseLabel = (bytes: Uint8Array, grant: string): string => {
  const { name, padding } = parseMessage(VaultLabelSchema, bytes, 'grant.open', `the label of ${grant}`)
  const isWhole = bytes.length === labelBytes && isVaultName(name) && padding.every((byte) => byte === 0)
  demand(isWhole, 'grant.open', 'corrupt', `the label of ${grant} is damaged`)
  return name
}
