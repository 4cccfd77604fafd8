/**
 * Ways to break the client's checks, one at a time, and the attack that notices each. Whoever adds a check adds the mutant
 * that lacks it, and an attack that gets through then.
 */
import type { Mutant } from '../sim/mutate.ts'

/** `attack`: its name. */
export type CheckMutant = Mutant & { attack: string }

const without = (file: string, find: string, attack: string, breaks: string, replace = ''): CheckMutant => ({
  file: `packages/${file}.ts`,
  find,
  replace,
  attack,
  breaks,
})

export const mutants: CheckMutant[] = [
  // Keys.
  without(
    'client/vault/grant',
    "demand(equalBytes(grant.vaultId, idToBytes(vaultId)), operation, 'corrupt', `${name} is of another vault`)",
    'the grants of two vaults change places',
    'a grant of another vault is taken',
  ),
  without(
    'client/vault/grant',
    "encodeContext('grant', grant.vaultId, grant.epoch,",
    'a grant is told to be of another epoch',
    'a wrapped key is not bound to its epoch',
    "encodeContext('grant', grant.vaultId, 0,",
  ),
  without(
    'client/vault/grant',
    'grant.version === version && grant.role === Role.OWNER',
    'a grant is told to be of another role',
    'a role that is not known is taken',
    'grant.version === version',
  ),
  without(
    'client/vault/grant',
    "demand(grant.version <= version, operation, 'invalid', `${name} was made by a newer AnySync: update this one`)",
    'a grant is told to be of a newer version',
    'a newer version is called damage',
  ),
  without(
    'client/crypto/password',
    '  if (n < nMin || r < rMin || p < pMin) return `${asked} is weaker than N ${nMin} r ${rMin} p ${pMin}`\n',
    'a login is asked for a derivation that is too weak',
    'any derivation is strong enough',
  ),
  without(
    'client/crypto/password',
    '  if (n > nMax || r > rMax || p > pMax) return `${asked} is more than N ${nMax} r ${rMax} p ${pMax}`\n',
    'a login is asked for a derivation that stops the machine',
    'any derivation is cheap enough',
  ),
  without(
    'client/crypto/password',
    '  if (salt.length !== saltBytes) return `the salt is ${salt.length} bytes, wanted ${saltBytes}`\n',
    'a login is asked for a salt of another length',
    'any salt is used',
  ),
  without(
    'client/crypto/master-keys',
    "encodeContext('bundle', version, generation, identityPublicKey)",
    'a bundle of another generation is given',
    'the bundle is not bound to its generation',
    "encodeContext('bundle', version, 1, identityPublicKey)",
  ),
  without(
    'client/vault/account',
    "alarmUnless(isSame, 'the server gave master.keys that its challenge does not fit')",
    "the server gives master.keys of the server's own",
    'master.keys need not fit the challenge',
  ),
  without(
    'client/vault/account',
    'alarmUnless(remote.generation >= local.generation, message)',
    'an old master.keys is replayed to a device that has a newer one',
    'an older master.keys is taken',
    'void message',
  ),
  // Records.
  without(
    'client/vault/record',
    'refuseUnless(header.sequence === BigInt(sequence), `it says that it is number ${header.sequence}`)',
    'a record has another number',
    'any number will do',
  ),
  without(
    'client/vault/record',
    "refuseUnless(equalBytes(header.previous, hash), 'it does not follow the record before it')",
    'a record follows another one',
    'a record need not follow the one before',
    'void hash',
  ),
  without(
    'client/vault/record',
    "refuseUnless(equalBytes(header.vaultId, idToBytes(keys.vaultId)), 'it is of another vault')",
    'a record is told to be of another vault',
    'a record of another vault is looked at',
  ),
  without(
    'client/vault/record',
    "refuseUnless(isSigned, 'its device did not sign it')",
    'a record gets the signature of another',
    'signatures of records are not checked',
    'void isSigned',
  ),
  without(
    'client/crypto/sign',
    "demand(isSigned, operation, 'corrupt', 'a device certificate has a signature that its identity did not make')",
    'a record is signed by a device that nobody certified',
    'signatures of certificates are not checked',
    'void isSigned',
  ),
  without(
    'client/crypto/sign',
    "demand(isOurs, operation, 'corrupt', 'a device certificate is of another identity')",
    "a record is signed by a device of the server's own identity",
    'a device of any identity may write',
    'void isOurs',
  ),
  without(
    'client/vault/record',
    "demand(isKnown, operation, 'invalid', 'the log of this vault was continued by a newer AnySync: update this one')",
    'a record is of a version that is not known',
    'a record of a newer version is read as if it was of this one',
    'void isKnown',
  ),
  without(
    'client/vault/device-heads',
    "demand(named.sequence <= BigInt(heads.get(id) ?? 0), 'log.verify', 'corrupt', message)",
    'a record knows of records that are hidden here',
    'what other devices have seen is not compared',
    'void message',
  ),
  without(
    'client/vault/log',
    "demand(isSeenShown, otherHistory, 'corrupt', rollbackMessage(vaultId, seen?.sequence ?? 0))",
    'the log lacks its tail',
    'a log that went back is not noticed',
  ),
  without(
    'client/vault/log',
    "demand(hash === seen?.hash, otherHistory, 'corrupt', forkMessage(vaultId, seen?.sequence ?? 0))",
    'the log has another head than was shown',
    'another head is taken for the one that was seen',
    'void hash',
  ),
  without(
    'client/vault/snapshot-body',
    "refuseUnless(body.root !== undefined, 'it has no root')",
    'a record has no root',
    'a snapshot without a root is taken',
  ),
  without(
    'client/vault/touched',
    "if (lengths.some((length) => length % idBytes !== 0)) return 'it touches half a node'",
    'a record touches half a node',
    'any bytes may stand for what a snapshot touched',
  ),
  without(
    'client/content/directory',
    "demand(count > 0 && count <= packSegmentsMax, 'pack.read', 'corrupt', `${name} has ${count} segments`)",
    'a record brings a pack that cannot be',
    'a pack may be empty',
  ),
  // Content.
  without(
    'cli/ports/cipher',
    'the tag does not hold.\n      return null\n',
    'a byte of a wrapped key is another',
    'tags of AES-GCM are not checked',
    'the tag does not hold.\n',
  ),
  without(
    'client/content/segment',
    'if (isFrame) discard(stored)\n  if (plaintext?.length !== place.plainLength) {',
    'a segment opens to far more than it says',
    'lengths of segments are not compared',
    'if (isFrame) discard(stored)\n  if (plaintext === undefined) {',
  ),
  without(
    'client/content/segment',
    'if (chunk.length !== place.length || chunkIdOf(keys, place.kind, chunk) !== wanted) {',
    'two segments of one length change places',
    'ids of chunks are not compared',
    'if (chunk.length !== place.length) {',
  ),
  without(
    'client/content/read',
    'if (place.kind !== kind) throw corruptAt(place, id, `it is of kind ${place.kind}, wanted ${kind}`)',
    "a folder's tree is a file's bytes",
    'a chunk of one kind is taken for another',
  ),
  without(
    'client/content/read',
    "demand(left >= 0, 'content.read', 'corrupt', `chunk ${id} goes beyond the ${size} bytes of its content`)",
    'a folder is told to be smaller than it is',
    'a content may have more bytes than it says',
  ),
  without(
    'client/content/read',
    "demand(left === 0, 'content.read', 'corrupt', `the chunks of a content lack ${left} of its ${size} bytes`)",
    'a folder is told to be larger than it is',
    'a content may have fewer bytes than it says',
  ),
  without(
    'cli/ports/packs',
    'if (Number(first) !== offset || Number(last) !== end - 1) {',
    'another range is told than was asked for',
    'any range is taken for the one that was asked for',
    'if (Number.isNaN(offset)) {',
  ),
  without(
    'cli/ports/packs',
    'if (got + piece.length > length) {',
    'more bytes come than were asked for',
    'a pack may go on beyond what was asked for',
    'if (got > length) {',
  ),
  // Trees.
  without(
    'client/vault/tree',
    "if (!isName(node.name)) return 'has a name that no node may have'\n",
    'a node has a name that leads elsewhere: ..',
    'any name is taken',
  ),
  without(
    'client/vault/tree',
    'if (order === 0) return { message: `nodes ${other} and ${id} have one name`, isTwice: true }\n',
    'a link and a folder have one name, so that a file would go through the link',
    'two nodes of one folder may have one name',
  ),
  without(
    'client/vault/tree',
    'if (order > 0) return { message: `node ${id} is out of order`, isTwice: false }\n',
    'names are out of order',
    'names come in any order',
  ),
  without(
    'client/vault/tree',
    'if (ids.has(id)) return { message: `node ${id} is there twice`, isTwice: true }\n',
    'two nodes have one id',
    'two nodes of one folder may have one id',
  ),
  without(
    'client/vault/tree',
    'node.id.length !== idBytes || id === rootNodeId',
    'a node has the id of the root folder',
    'a node may be the root folder',
    'node.id.length !== idBytes',
  ),
  without(
    'client/vault/tree',
    "if (content === undefined) return 'has no content'\n",
    'a file has no content',
    'a file may have no content',
    'if (content === undefined) return null\n',
  ),
  without(
    'client/vault/tree',
    "return isLinkTarget(node.linkTarget) ? null : 'is a symlink whose target no symlink may have'",
    'a link leads to NUL',
    'a link may lead anywhere',
    'return null',
  ),
  without(
    'client/vault/tree',
    'if (node.mode > modeMax) return `has mode ${node.mode.toString(8)}, which holds more than permission bits`\n',
    'a mode holds more than permissions',
    'any mode is taken',
  ),
]
