/**
 * Opens a vault: its keys, its log, its contents and its trees, put together over one state and one server. Orders what
 * is written: packs are durable before a record names them, and a record is accepted before this device believes it.
 * [Note: order of writes]
 */
import { create } from '@bufbuild/protobuf'
import { assert, demand, isTrouble, SyncError } from '@anysync/protocol/errors.ts'
import {
  ContentKind,
  NodeKind,
  SnapshotBodySchema,
  StatisticsSchema,
  type AccessKeys,
  type Content,
  type IndexedPack,
} from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { chunkIdFromBytes, type ChunkId } from '@anysync/protocol/ids.ts'
import { appendPacksMax, fetchesMax, storingPacksMax } from '@anysync/protocol/limits.ts'
import { contentChunkIds } from '../content/content.ts'
import type { Fetch } from '../content/fetch-ranges.ts'
import { createIdentify } from '../content/identify.ts'
import { chunkIdsOf } from '../content/places.ts'
import { createContentReader } from '../content/read.ts'
import { createContentWork, type WorkFor } from '../content/work.ts'
import { openVaultKeys } from '../crypto/vault-keys.ts'
import type { Chance, Cipher, Clock, Remote, State } from '../ports.ts'
import { editTree } from './edit.ts'
import type { OpenedGrant } from './grant.ts'
import { snapshotOf } from './kept-snapshot.ts'
import { createLog, sameHead } from './log.ts'
import { packsForBody } from './pack-index.ts'
import { rebuildLog } from './rebuild.ts'
import { rewindLog } from './rewind.ts'
import { createSnapshotList } from './snapshots.ts'
import { createTreeCache } from './tree-cache.ts'
import { padTouched } from './touched.ts'
import { parseTree } from './tree.ts'
import type { Commit, SnapshotInfo, Vault } from './vault-types.ts'
import { createVaultWriter } from './vault-writer.ts'

export type VaultParts = {
  cipher: Cipher
  chance: Chance
  clock: Clock
  state: State
  remote: Remote
  accessKeys: AccessKeys
  /** One for each epoch that the vault had. What is written is of the newest. */
  grants: readonly [OpenedGrant, ...OpenedGrant[]]
  /**
   * How many packs may be stored at once, and how many ranges fetched: 1 to 16, null for the usual two and four. Asked
   * anew for each, so it may change at any time.
   */
  transfersMax?: () => number | null
  /** Who cuts, names, seals and opens, given the vault key of each epoch; all of it is done here unless told. */
  workFor?: WorkFor
}

/** Opens the vault of its grants. Nothing is read or sent yet. */
export const openVault = (parts: VaultParts): Vault => {
  const { cipher, chance, clock, state, remote, accessKeys, grants } = parts
  const { vaultId, name } = grants.reduce((newest, grant) => (grant.epoch > newest.epoch ? grant : newest))
  const certificate = accessKeys.deviceCertificate
  demand(certificate !== undefined, 'vault.open', 'corrupt', 'access.keys lacks the device certificate: log in again')
  const vaultKeyByEpoch = new Map(grants.map(({ epoch, vaultKey }) => [epoch, vaultKey]))
  const keys = openVaultKeys(cipher, chance, vaultId, vaultKeyByEpoch)

  const work = parts.workFor?.(vaultId, vaultKeyByEpoch) ?? createContentWork({ cipher, keys })

  const fetch: Fetch = async (pack, offset, length, memory) => {
    try {
      return await remote.getPack(vaultId, pack, offset, length, memory)
    } catch (error) {
      if (!isTrouble(error, 'missing')) throw error
      const message = `the server has lost pack ${pack} of vault ${vaultId}: ask who runs it to restore its data`
      throw new SyncError('vault.read', 'corrupt', message, error)
    }
  }
  const treeCache = createTreeCache(state, vaultId)
  const transfersMax = (usual: number) => () => parts.transfersMax?.() ?? usual
  const reader = createContentReader({
    keys,
    work,
    locate: (chunkId) => state.findChunk(vaultId, chunkId),
    fetch,
    fetchingMax: transfersMax(fetchesMax),
    cachedChunk: (chunkId) => treeCache.get(chunkId),
    cacheChunk: (chunkId, plaintext) => treeCache.put(chunkId, plaintext),
  })
  const signer = { signingSeed: accessKeys.signingSeed, certificate }
  const { identityPublicKey } = certificate
  const logParts = { cipher, keys, work, state, remote, signer, identityPublicKey, fetch }
  const log = createLog(logParts)
  const snapshots = createSnapshotList(vaultId, state, log)
  const writer = createVaultWriter({
    chance,
    keys,
    work,
    state,
    remote,
    treeCache,
    storingMax: transfersMax(storingPacksMax),
  })
  const identify = createIdentify(work)
  const inTurn = createTurns()

  const readTree = async (content: Content) => parseTree(await reader.bytes(ContentKind.TREE, content))
  const writeTree = (bytes: Uint8Array) => writer.write(ContentKind.TREE, bytes)
  // Contents that the next commit makes part of the vault.
  let edited: Content[] = []
  // What was written rests on what was in use then: another folder of this device may have taken over more since.
  let followed = state.head(vaultId)

  /** [Note: nothing dangling] A snapshot is never appended unless every content that it newly names is in the index. */
  const checkEdited = (pending: readonly IndexedPack[]): void => {
    // Nearly all of them lie in these, where a look costs a tenth of one in the index.
    const brought = new Set(pending.flatMap((pack) => [...chunkIdsOf(pack)]))
    for (const { chunks } of edited) {
      for (const chunk of chunks) {
        const chunkId = chunkIdFromBytes(chunk)
        const isStored = brought.has(chunkId) || state.hasChunk(vaultId, chunkId)
        demand(isStored, 'vault.commit', 'conflict', `chunk ${chunkId}, which was to be stored, is not: write it again`)
      }
    }
  }

  const commit = async ({
    expected,
    root,
    touched,
    isPartial,
    statistics,
    label = '',
  }: Commit): Promise<SnapshotInfo> => {
    // Before anything is sealed: a commit that cannot succeed leaves nothing behind.
    const head = state.head(vaultId)
    const isHead = sameHead(head, followed) && sameHead(snapshots.newest(), expected)
    demand(isHead, 'vault.commit', 'conflict', `the log of vault ${vaultId} has moved on`)
    await writer.finish()
    treeCache.flush()
    edited.push(root)
    const pending = state.pendingPacks(vaultId)
    checkEdited(pending)
    const { packs, indexPacks } = await packsForBody(pending, writer)
    const brought = [...pending, ...indexPacks]
    const isFitting = brought.length <= appendPacksMax
    demand(isFitting, 'vault.commit', 'invalid', `a commit of ${brought.length} packs is too large: commit more often`)
    const body = create(SnapshotBodySchema, {
      root,
      timeNs: clock.nowNs(),
      deviceName: accessKeys.deviceName,
      isPartial,
      statistics: create(StatisticsSchema, { ...statistics, bytesStored: BigInt(writer.bytesOf(brought)) }),
      packs,
      indexPacks,
      label,
      ...(touched === null ? {} : { touched: padTouched(touched) }),
    })
    try {
      const record = await log.append(head, body, { brought, retired: [] })
      edited = []
      followed = record.head
      const { body: appended } = record
      assert(appended.$typeName === 'anysync.v1.SnapshotBody', 'what was appended is a snapshot')
      return snapshotOf({ ...record, body: appended })
    } catch (error) {
      if (!isTrouble(error, 'missing')) throw error
      await writer.checkPending()
      const message = `the server has lost packs that were just stored in vault ${vaultId}: they are sent again`
      throw new SyncError('vault.commit', 'conflict', message, error)
    }
  }

  /** Lets go of what was written and remembered for the log as it was; then, what is written rests on it as it is. */
  const takeOver = <Result>(follow: () => Promise<Result>): Promise<Result> =>
    inTurn(async () => {
      await writer.renew()
      edited = []
      treeCache.flush()
      reader.forgetPlaces()
      const result = await follow()
      followed = state.head(vaultId)
      return result
    })

  return {
    id: vaultId,
    name,
    keys,
    work,
    refresh: () =>
      takeOver(async () => {
        await log.refresh()
        return snapshots.newest()
      }),
    rewind: () => takeOver(() => rewindLog(logParts)),
    rebuild: (onProgress) => takeOver(() => rebuildLog(logParts, onProgress)),
    newest: () => snapshots.newest(),
    snapshots: () => snapshots.all(),
    head: () => state.head(vaultId),
    tree: readTree,
    stream: (content) => reader.stream(content),
    readSmallFile: (content) => reader.bytes(ContentKind.DATA, content),
    expect: (contents) => reader.expect(contents),
    keepTrees: () => treeCache.flush(),
    prepare: (bytes) => work.prepare(bytes),
    identify: (source) => identify(ContentKind.DATA, source),
    writeFile: (source) => writer.write(ContentKind.DATA, source),
    takeWindow: () => writer.takeWindow(),
    writeSmallFiles: (files, window) => writer.writeSmall(files, window),
    async editTree(root, edits, parentOf) {
      const result = await editTree({ tree: readTree, writeTree }, root, edits, parentOf)
      for (const { to } of edits) {
        if (to?.node.kind === NodeKind.FILE && to.node.content) edited.push(to.node.content)
      }
      edited.push(...result.folders.values())
      return result
    },
    commit: (wanted) => inTurn(() => commit(wanted)),
    append: (body, effects) =>
      inTurn(async () => {
        const head = state.head(vaultId)
        demand(sameHead(head, followed), 'vault.append', 'conflict', `the log of vault ${vaultId} has moved on`)
        const said = { ...body, timeNs: clock.nowNs(), deviceName: accessKeys.deviceName }
        const record = await log.append(head, said, effects)
        reader.forgetPlaces()
        followed = record.head
        return record.head
      }),
    async *chunksOf(content) {
      const lists: ChunkId[] = []
      const readList = (id: ChunkId): Promise<Uint8Array> => {
        lists.push(id)
        return reader.list(id)
      }
      for await (const ids of contentChunkIds(content, readList)) yield [...lists.splice(0), ...ids]
    },
  }
}

/** Runs works one after the other, in the order in which they were asked for. */
const createTurns = () => {
  let last: Promise<unknown> = Promise.resolve()
  return <Result>(work: () => Promise<Result>): Promise<Result> => {
    const turn = last.then(work, work)
    last = turn
    return turn
  }
}
