/**
 * Every parser of bytes that came over a wire or from a disk, with valid inputs to begin from.
 */
import { create, toBinary } from '@bufbuild/protobuf'
import {
  parseAppended,
  parseChallenge,
  parseLogin,
  parseMe,
  parseNews,
  parseRecord,
  parseVaults,
} from '@anysync/cli/ports/answers.ts'
import { formatInvitationLink, parseFingerprint, parseServerLink } from '@anysync/cli/ports/link.ts'
import { contentBytes, contentChunkIds, makeContent, parseContent } from '@anysync/client/content/content.ts'
import { openDirectory } from '@anysync/client/content/directory.ts'
import { buildPack, indexedPack, readDirectory } from '@anysync/client/content/pack.ts'
import { placesOf } from '@anysync/client/content/places.ts'
import { openChunk, openSegment } from '@anysync/client/content/segment.ts'
import { sealSegment } from '@anysync/client/content/store.suite.ts'
import { createContentWork } from '@anysync/client/content/work.ts'
import { chunkIdOf } from '@anysync/client/content/chunk-id.ts'
import { accessKeysVersion, parseAccessKeys, serializeAccessKeys } from '@anysync/client/crypto/access-keys.ts'
import { utf8 } from '@anysync/client/crypto/bytes.ts'
import { encodeContext } from '@anysync/client/crypto/context.ts'
import { newBundle, openWithPasswordKey, parseMasterKeys, sealMasterKeys } from '@anysync/client/crypto/master-keys.ts'
import { parseMessage } from '@anysync/client/crypto/message.ts'
import { newKdf } from '@anysync/client/crypto/password.ts'
import { checkDeviceCertificate } from '@anysync/client/crypto/sign.ts'
import { isPlainFrame } from '@anysync/client/crypto/zstd-frame.ts'
import { seededChance } from '@anysync/client/memory/chance.ts'
import { newVaultGrant, openGrant } from '@anysync/client/vault/grant.ts'
import { openRecord, sealRecord } from '@anysync/client/vault/record.ts'
import { checkSnapshotBody } from '@anysync/client/vault/snapshot-body.ts'
import { padTouched } from '@anysync/client/vault/touched.ts'
import { parseTree, serializeTree } from '@anysync/client/vault/tree.ts'
import {
  bodyOf,
  cipher,
  contentOf,
  fileOf,
  folderOf,
  identityPublicKey,
  keysOf,
  signerOf,
  symlinkOf,
  vaultId,
} from '@anysync/client/vault/vault.suite.ts'
import {
  ChallengeResponseSchema,
  LoginResponseSchema,
  WhoAmIResponseSchema,
} from '@anysync/protocol/gen/anysync/v1/account_pb.js'
import {
  AccessKeysSchema,
  ContentKind,
  DeviceCertificateSchema,
  PackDirectorySchema,
  PackIndexSchema,
  SnapshotBodySchema,
  TouchedSchema,
} from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import {
  AppendResponseSchema,
  ListVaultsResponseSchema,
  RecordsSinceResponseSchema,
  WatchResponseSchema,
} from '@anysync/protocol/gen/anysync/v1/vault_pb.js'
import { demand } from '@anysync/protocol/errors.ts'
import { idToBytes, packIdFromBytes, type ChunkId } from '@anysync/protocol/ids.ts'
import { scryptFloor } from '@anysync/protocol/limits.ts'
import { openGrant as decryptGrant } from '../../tools/decrypt/keys.ts'
import { readLog } from '../../tools/decrypt/vault.ts'
import { firstBodies, kindTargets } from './kind-targets.ts'
import { answer, authenticated, canonical, decryptor, type Target } from './target.ts'

const chance = seededChance(99)
const keys = keysOf(vaultId, [0, 1])
const parts = { cipher, chance, keys }

const head = { sequence: 7n, hash: chance.bytes(32) }
const signer = signerOf(1)
const records = [
  bodyOf(),
  bodyOf({ label: '', deviceHeads: [{ deviceId: chance.bytes(16), sequence: 3n }] }),
  bodyOf({ touched: padTouched(create(TouchedSchema, { placed: chance.bytes(16), written: chance.bytes(32) })) }),
]

const chunk = (kind: ContentKind, plaintext: Uint8Array) => ({ kind, id: chunkIdOf(keys, kind, plaintext), plaintext })
const chunks = [utf8('one '.repeat(200)), chance.bytes(500)].map((bytes) => chunk(ContentKind.DATA, bytes))
const segment = sealSegment(parts, ContentKind.DATA, chunks)
const stored = sealSegment(parts, ContentKind.TREE, [chunk(ContentKind.TREE, chance.bytes(300))])
const pack = await buildPack({ ...parts, work: createContentWork({ cipher, keys }) }, [segment, stored])
const indexed = indexedPack(pack)
const [first] = [...placesOf(indexed)]

const sealedRecords = [...records, ...firstBodies([indexed])].map(
  (body) => sealRecord({ cipher, keys, signer }, null, body).bytes,
)

const owner = { fileKey: chance.bytes(32), identityPublicKey }
const { grant } = newVaultGrant(parts, owner, vaultId, 'documents')
const passwordKey = chance.bytes(32)
const bundle = newBundle(chance)
const accessKeys = create(AccessKeysSchema, {
  version: accessKeysVersion,
  serverUrl: 'https://cloud.example.org:65065',
  email: 'ada@example.org',
  userId: chance.bytes(16),
  deviceId: signer.certificate.deviceId,
  deviceName: 'laptop',
  deviceToken: chance.bytes(32),
  signingSeed: chance.bytes(32),
  deviceCertificate: signer.certificate,
  fileKey: chance.bytes(32),
})

const trees = [
  [fileOf(1, 'a file'), folderOf(2, 'folder'), symlinkOf(3, 'link', '../elsewhere')],
  [fileOf(4, 'Ä', contentOf(600_000, 1, 2, 3))],
  [],
]

const link = {
  server: { host: 'cloud.example.org', port: 65_065 },
  invitation: chance.bytes(32),
  fingerprint: chance.bytes(32),
}
const text = (bytes: Uint8Array): string => new TextDecoder('latin1').decode(bytes)

export const targets: Target[] = [
  authenticated('a record', sealedRecords, (bytes) => openRecord({ cipher, keys, identityPublicKey }, null, bytes)),
  decryptor('a record', sealedRecords, (bytes) =>
    readLog([bytes], identityPublicKey, {
      vaultId: idToBytes(vaultId),
      vaultKeys: new Map([0, 1].map((epoch) => [epoch, new Uint8Array(32).fill(0x20 + epoch)])),
    }),
  ),
  canonical(
    'the body of a record',
    records.map((body) => toBinary(SnapshotBodySchema, body)),
    (bytes) => {
      const body = parseMessage(SnapshotBodySchema, bytes, 'fuzz', 'a body')
      checkSnapshotBody(body, 1)
      for (const pack of [...body.packs, ...body.indexPacks]) Array.from(placesOf(pack))
      return toBinary(SnapshotBodySchema, body)
    },
  ),
  ...kindTargets([indexed]),
  authenticated('a certificate', [toBinary(DeviceCertificateSchema, signer.certificate)], (bytes) =>
    checkDeviceCertificate(cipher, parseMessage(DeviceCertificateSchema, bytes, 'fuzz', 'it'), identityPublicKey),
  ),
  authenticated('a pack by its name', [pack.bytes], (bytes) => readDirectory(parts, pack.id, bytes)),
  canonical('a pack under the name of its bytes', [pack.bytes], (bytes) => {
    Array.from(placesOf(readDirectory(parts, packIdFromBytes(cipher.sha256(bytes)), bytes)))
    return null
  }),
  authenticated('a segment', [segment.bytes, stored.bytes], (bytes) => {
    const { id, place } = first!
    return openChunk(keys, place, openSegment(parts, place, bytes, id), id)
  }),
  canonical('a directory', [toBinary(PackDirectorySchema, indexed.directory!)], (bytes) => {
    const context = encodeContext('directory', idToBytes(vaultId), 1)
    openDirectory(keys, 1, keys.index(1).seal(bytes, context), 'a pack')
    return null
  }),
  canonical(
    'an index',
    [toBinary(PackIndexSchema, create(PackIndexSchema, { packs: [indexed, indexed] }))],
    (bytes) => {
      const index = parseMessage(PackIndexSchema, bytes, 'fuzz', 'an index')
      for (const pack of index.packs) Array.from(placesOf(pack))
      return toBinary(PackIndexSchema, index)
    },
  ),
  canonical(
    'a content',
    [contentOf(0), contentOf(600_000, 1, 2, 3), makeContent(5, 2, ['ab'.repeat(32) as ChunkId])].map(contentBytes),
    (bytes) => contentBytes(parseContent(bytes)),
  ),
  canonical('a list', [chance.bytes(32), chance.bytes(320)], async (bytes) => {
    const content = makeContent(1000, 1, ['ab'.repeat(32) as ChunkId])
    const ids = await Array.fromAsync(contentChunkIds(content, () => Promise.resolve(bytes)))
    return Uint8Array.fromHex(ids.flat().join(''))
  }),
  canonical('a tree', trees.map(serializeTree), (bytes) => serializeTree(parseTree(bytes))),
  authenticated(
    'master.keys',
    [sealMasterKeys(cipher, chance, { bundle, generation: 3n, kdf: newKdf(chance, scryptFloor), passwordKey })],
    (bytes) => openWithPasswordKey(cipher, parseMasterKeys(bytes), passwordKey),
  ),
  canonical('access.keys', [serializeAccessKeys(accessKeys)], (bytes) => serializeAccessKeys(parseAccessKeys(bytes))),
  authenticated('a grant', [grant], (bytes) => openGrant(parts, owner, vaultId, bytes)),
  decryptor('a grant', [grant], (bytes) =>
    decryptGrant({ fileKey: owner.fileKey, identity: owner.identityPublicKey }, bytes),
  ),
  canonical(
    'a zstd frame',
    [cipher.compress(utf8('text '.repeat(3000)), 3), cipher.compress(chance.bytes(90), 3)],
    (frame) => {
      const opened = [90, 15_000].map((length) => {
        const plaintext = cipher.decompress(frame, length)
        if (plaintext !== null && !isPlainFrame(frame, length)) throw new Error('it is not of the kind that we write')
        if (plaintext !== null && plaintext.length !== length) throw new Error(`it opened to ${plaintext.length} bytes`)
        return plaintext
      })
      demand(
        opened.some((plaintext) => plaintext !== null),
        'fuzz',
        'corrupt',
        'no frame',
      )
      return null
    },
  ),
  canonical('a link', [utf8(formatInvitationLink(link)), utf8('cloud.example.org:1234')], (bytes) => {
    parseServerLink(text(bytes))
    return null
  }),
  canonical('a fingerprint', [utf8(chance.bytes(32).toHex())], (bytes) => {
    parseFingerprint(text(bytes))
    return null
  }),
  answer(
    ListVaultsResponseSchema,
    create(ListVaultsResponseSchema, {
      incarnation: chance.bytes(16),
      vaults: [{ vaultId: chance.bytes(16), grant: chance.bytes(100), head, bytesStored: 9n }],
    }),
    parseVaults,
  ),
  answer(AppendResponseSchema, create(AppendResponseSchema, { head }), parseAppended),
  answer(RecordsSinceResponseSchema, create(RecordsSinceResponseSchema, { record: chance.bytes(99) }), parseRecord),
  answer(WatchResponseSchema, create(WatchResponseSchema, { vaultId: chance.bytes(16), head }), parseNews),
  answer(
    ChallengeResponseSchema,
    create(ChallengeResponseSchema, { challenge: chance.bytes(56), kdf: newKdf(chance, scryptFloor) }),
    parseChallenge,
  ),
  answer(
    LoginResponseSchema,
    create(LoginResponseSchema, {
      userId: chance.bytes(16),
      deviceId: chance.bytes(16),
      sealedToken: chance.bytes(72),
      serverBoxPublicKey: chance.bytes(32),
      masterKeys: chance.bytes(300),
    }),
    parseLogin,
  ),
  answer(
    WhoAmIResponseSchema,
    create(WhoAmIResponseSchema, { userId: chance.bytes(16), deviceId: chance.bytes(16), email: 'a@b', bytesUsed: 5n }),
    parseMe,
  ),
]
