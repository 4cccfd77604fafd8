/**
 * A vault of a real device, opened in this process, with keys of later epochs if a test wants some, and with a way to store
 * what no client would write.
 */
import { create, toBinary } from '@bufbuild/protobuf'
import { nodeChance } from '@anysync/cli/ports/chance.ts'
import { nodeCipher } from '@anysync/cli/ports/cipher.ts'
import { nodeClock } from '@anysync/cli/ports/clock.ts'
import { openSession, ownerOf, pickVault, type Session } from '@anysync/cli/session.ts'
import { createContentWork } from '@anysync/client/content/work.ts'
import { createContentWriter } from '@anysync/client/content/write.ts'
import { indexedPack } from '@anysync/client/content/pack.ts'
import type { IdentifyLimits, SourceKind } from '@anysync/client/content/identify.ts'
import { encodeContext } from '@anysync/client/crypto/context.ts'
import { deriveKey } from '@anysync/client/crypto/purposes.ts'
import { sealKey } from '@anysync/client/crypto/xaes.ts'
import type { OpenedGrant } from '@anysync/client/vault/grant.ts'
import { openVault } from '@anysync/client/vault/vault.ts'
import type { Vault } from '@anysync/client/vault/vault-types.ts'
import { GrantSchema, Role, type Content } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { idToBytes } from '@anysync/protocol/ids.ts'
import type { TestDevice } from './device.ts'

export type OpenedVault = AsyncDisposable & {
  session: Session
  vault: Vault
  grants: readonly [OpenedGrant, ...OpenedGrant[]]
  /** Stores bytes as they are, of any kind; the next commit brings their packs. */
  store(kind: SourceKind, bytes: Uint8Array, limits?: Partial<IdentifyLimits>): Promise<Content>
  /** Makes what was stored the newest snapshot. */
  commit(root: Content): Promise<void>
}

/** The vault of this name, or the only one, of the device. It takes the account for itself, like a command that syncs. */
export const openVaultOf = async (
  device: TestDevice,
  laterKeys: Uint8Array[] = [],
  name?: string,
): Promise<OpenedVault> => {
  await using stack = new AsyncDisposableStack()
  const session = stack.use(await openSession({ home: device.home }, true))
  const { grant } = await pickVault(session, name)
  const later = laterKeys.map((vaultKey, i) => ({ ...grant, epoch: i + 1, vaultKey }))
  const grants: OpenedVault['grants'] = [grant, ...later]
  const { keys, remote, state } = session
  const parts = { cipher: nodeCipher, chance: nodeChance, clock: nodeClock, state, remote }
  const vault = openVault({ ...parts, accessKeys: keys, grants })
  await vault.refresh()
  const held = stack.move()
  return {
    session,
    vault,
    grants,
    async store(kind, bytes, limits = {}) {
      const writer = createContentWriter({
        ...parts,
        keys: vault.keys,
        work: createContentWork({ cipher: nodeCipher, keys: vault.keys }),
        limits,
        isKnown: (chunkId) => state.findChunk(vault.id, chunkId) !== null,
        async storePack(pack) {
          await remote.putPack(vault.id, pack.id, pack.bytes)
          state.putPack(vault.id, indexedPack(pack), true)
        },
      })
      const content = await writer.write(kind, bytes)
      await writer.finish()
      return content
    },
    async commit(root) {
      await vault.commit({ expected: vault.newest(), root, touched: null, isPartial: false, statistics: noStatistics })
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}

const noStatistics = { files: 0n, folders: 0n, symlinks: 0n, bytes: 0n, nodesChanged: 0n, nodesRemoved: 0n }

/** A grant as the server keeps it. No client makes one of a later epoch yet. */
export const sealGrant = (
  { keys }: Session,
  { vaultId, epoch, vaultKey }: OpenedGrant,
  label: Uint8Array,
): Uint8Array => {
  const { fileKey, identityPublicKey } = ownerOf(keys)
  const id = idToBytes(vaultId)
  const context = encodeContext('grant', id, epoch, Role.OWNER, identityPublicKey)
  const sealedVaultKey = sealKey(nodeCipher, nodeChance, deriveKey(nodeCipher, fileKey, 'grant')).seal(
    vaultKey,
    context,
  )
  const grant = { version: 1, vaultId: id, epoch, role: Role.OWNER, sealedVaultKey, sealedLabel: label }
  return toBinary(GrantSchema, create(GrantSchema, grant))
}
