/**
 * What the history commands share: from a path and a time as a person gives them to a vault, a path in it and a
 * snapshot.
 */
import type { SnapshotInfo, Vault } from '@anysync/client/vault/vault-types.ts'
import { findLast, resolveTime, type PlacedNode } from '@anysync/client/vault/history.ts'
import { NodeKind, type Node } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { SyncError } from '@anysync/protocol/errors.ts'
import { findLinked } from './folders.ts'
import { isoTime, shown } from './output/words.ts'
import { nodeClock } from './ports/clock.ts'
import type { CommonOptions } from './local.ts'
import { findVault, openNamed, openSession, pickVault, type Session } from './session.ts'

export type HistoryOptions = CommonOptions & { vault?: string }

export type OpenedHistory = AsyncDisposable & {
  session: Session
  vault: Vault
  /** In the vault, with '/' between names; '' for its root folder. */
  path: string
  /** Oldest first. */
  snapshots: SnapshotInfo[]
}

/**
 * Opens the vault that a path belongs to and fetches what is new in its log. With `--vault`, or when the path is in no
 * linked folder and the account has one vault, it is a path in the vault.
 */
export const openHistory = async (typed: string | undefined, options: HistoryOptions): Promise<OpenedHistory> => {
  await using stack = new AsyncDisposableStack()
  const session = stack.use(await openSession(options, false))
  const linked = options.vault === undefined ? findLinked(session.state, typed ?? '.') : null
  const named =
    linked === null ? await pickVault(session, options.vault) : await findVault(session, linked.link.vaultId)
  const vault = openNamed(session, named)
  await vault.refresh()
  const path = linked === null ? vaultPath(typed ?? '') : linked.path
  const held = stack.move()
  return { session, vault, path, snapshots: vault.snapshots(), [Symbol.asyncDispose]: () => held.disposeAsync() }
}

/** '/docs//a/' and './docs/a' are 'docs/a'. */
const vaultPath = (typed: string): string =>
  typed
    .split('/')
    .filter((name) => name !== '' && name !== '.')
    .join('/')

/** The snapshot of a time as a person gives it, the newest without one. `missing` when there is none. */
export const snapshotAt = ({ vault, snapshots }: OpenedHistory, at: string | undefined): SnapshotInfo => {
  const newest = snapshots.at(-1)
  if (newest === undefined) {
    throw new SyncError('history.open', 'missing', `the vault '${shown(vault.name)}' is empty: sync something first`)
  }
  return at === undefined ? newest : resolveTime(snapshots, at, nodeClock.nowNs())
}

/**
 * What is at the path at a time; without one, in the newest snapshot that has it: what was deleted is found again.
 * `missing` when there is nothing.
 */
export const findThen = async (
  history: OpenedHistory,
  at: string | undefined,
): Promise<{ snapshot: SnapshotInfo; found: PlacedNode }> => {
  const newest = snapshotAt(history, at)
  const there = await findLast(history.vault, at === undefined ? history.snapshots : [newest], history.path)
  if (there !== null) return there
  const where =
    at === undefined
      ? 'in any snapshot: check the path'
      : `in snapshot ${newest.sequence}: \`anysync versions\` tells when there was`
  throw new SyncError('history.find', 'missing', `there is nothing at '${shown(history.path)}' ${where}`)
}

const kindNames: Record<NodeKind, string> = {
  [NodeKind.UNSPECIFIED]: 'unknown',
  [NodeKind.FILE]: 'file',
  [NodeKind.FOLDER]: 'folder',
  [NodeKind.SYMLINK]: 'symlink',
}

/** A node as programs read it. */
export const nodeDocument = (node: Node) => ({
  kind: kindNames[node.kind],
  mode: `0${node.mode.toString(8)}`,
  size: node.kind === NodeKind.FILE ? (node.content?.size ?? 0n) : 0n,
  mtime: isoTime(node.mtimeNs),
  ...(node.kind === NodeKind.SYMLINK ? { target: node.linkTarget } : {}),
})

/** A snapshot as programs read it. */
export const snapshotDocument = ({ sequence, hash, timeNs, deviceName, isPartial, label, isPinned }: SnapshotInfo) => ({
  sequence,
  hash,
  time: isoTime(timeNs),
  device: deviceName,
  isPartial,
  label,
  isPinned,
})
