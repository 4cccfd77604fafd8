/**
 * Writes checkpoints: every kept snapshot and every pack in use, as index packs that one record names, so that a new
 * device need not read the whole log.
 */
import { create, toBinary } from '@bufbuild/protobuf'
import {
  CheckpointBodySchema,
  ContentKind,
  IndexedPackSchema,
  KeptSnapshotSchema,
  PackIndexSchema,
  type IndexedPack,
  type KeptSnapshot,
} from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { packIdFromBytes, type PackId } from '@anysync/protocol/ids.ts'
import { chunkBytesMax } from '@anysync/protocol/limits.ts'
import type { LogHead } from '../ports.ts'
import { anew } from './anew.ts'
import { keptOf } from './kept-snapshot.ts'
import { packsInUse } from './stored-packs.ts'
import { readRecord } from './record.ts'
import { createIndexWriter, type StoreParts } from './rewrite.ts'
import type { Vault } from './vault-types.ts'

/** Room for the tag and length of a field. */
const fieldBytesMax = 8

/** Must describe the log exactly as it is where the record stands, so it is written anew when another was faster. */
export const writeCheckpoint = (parts: StoreParts & { vault: Vault }): Promise<LogHead> =>
  anew(parts.vault, async () => {
    const writer = createIndexWriter(parts)
    for (const index of indexesOf(parts)) await writer.write(ContentKind.INDEX, index)
    const indexPacks = await writer.finish()
    const body = create(CheckpointBodySchema, { indexPacks })
    return parts.vault.append(body, { brought: indexPacks, retired: [] })
  })

/** The serialised indexes, each of which fits one chunk. */
function* indexesOf({ vault, state, keys }: StoreParts & { vault: Vault }): Generator<Uint8Array, void, void> {
  let packs: IndexedPack[] = []
  let snapshots: KeptSnapshot[] = []
  let bytes = 0
  const take = (): Uint8Array => {
    const index = toBinary(PackIndexSchema, create(PackIndexSchema, { packs, snapshots }))
    packs = []
    snapshots = []
    bytes = 0
    return index
  }
  for (const kept of vault.snapshots().map(keptOf)) {
    const length = toBinary(KeptSnapshotSchema, kept).length + fieldBytesMax
    if (bytes + length > chunkBytesMax) yield take()
    snapshots.push(kept)
    bytes += length
  }
  for (const id of packsInUse(state, keys.vaultId)) {
    const pack = state.pack(keys.vaultId, id)
    if (pack === null) continue
    const length = toBinary(IndexedPackSchema, pack).length + fieldBytesMax
    if (bytes + length > chunkBytesMax) yield take()
    packs.push(pack)
    bytes += length
  }
  yield take()
}

/** The sequence of the newest checkpoint that this device has seen, and the index packs of those before it. */
export const checkpointPacks = ({
  cipher,
  keys,
  state,
}: Pick<StoreParts, 'cipher' | 'keys' | 'state'>): { newest: number | null; superseded: Set<PackId> } => {
  let newest: number | null = null
  let current: PackId[] = []
  const superseded = new Set<PackId>()
  for (const { record } of state.records(keys.vaultId, 1, Number.MAX_SAFE_INTEGER)) {
    const { head, body } = readRecord({ cipher, keys }, record)
    if (body.$typeName !== 'anysync.v1.CheckpointBody') continue
    for (const pack of current) superseded.add(pack)
    current = body.indexPacks.map(({ pack }) => packIdFromBytes(pack))
    newest = head.sequence
  }
  return { newest, superseded }
}
