/**
 * Going up: turns the steps that concern the log into snapshots. First all that is only structure (folders, moves,
 * removals, links), with the first files; then the rest of the files, in batches that are committed as they go, so that
 * a long first push is durable and visible early, and resumes by itself.
 */
import type { Content } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { assert, isTrouble } from '@anysync/protocol/errors.ts'
import { commitBytesMax, commitMsMax, commitNodesMax } from '@anysync/protocol/limits.ts'
import { contentBytes } from '../content/content.ts'
import type { ByteSource } from '../content/identify.ts'
import type { DiskStat } from '../ports.ts'
import type { SnapshotInfo } from '../vault/vault-types.ts'
import type { ApplyParts } from './apply.ts'
import { attempt, countNode, type Ledger } from './apply.ts'
import { Batch } from './batch.ts'
import { CurrentFiles } from './current-files.ts'
import { HeadView } from './head-view.ts'
import { groupSmall } from './group-small.ts'
import { forEachLimited } from './limited.ts'
import { isUnchanged } from './merge.ts'
import { forgottenDisk, rememberedDisk } from './node.ts'
import type { Step } from './plan.ts'
import { pushable } from './pushable.ts'
import { busyMessage, readStable } from './read-file.ts'
import { noCounts, type Counts } from './report.ts'

const filesAtOnceMax = 4

/** What was committed. `hasRaced`: then the head moved, and the rest was not. */
export type Pushed = { counts: Counts; snapshots: SnapshotInfo[]; hasRaced: boolean }

/** Carries out every step that concerns the log; removals go with the first commit. `hasMore`: other pushes are to follow. */
export const push = async (
  parts: ApplyParts,
  ledger: Ledger,
  steps: Step[],
  newest: SnapshotInfo | null,
  hasMore: boolean,
): Promise<Pushed> => {
  const view = new HeadView(parts, newest)
  const wanted = pushable(view, ledger, steps)
  const pushed: Pushed = { counts: noCounts(), snapshots: [], hasRaced: false }
  if (wanted.length === 0) return pushed
  const batch = new Batch(parts, ledger, view)
  /** With what is not committed yet. */
  const counts = noCounts()
  for (const step of structureFirst(wanted)) {
    if (step.merged === null) {
      batch.remove(step)
      if (step.remote?.kind === 'file') counts.removed += 1
    } else putStructure(parts, batch, step, counts)
  }

  // A file that is only in the vault is moved there, and there is nothing to read.
  const files = wanted.filter((step) => step.merged?.kind === 'file' && step.local !== null && step.local.path !== '')
  const progress = { phase: 'push' as const, files: 0, filesTotal: files.length, bytes: 0, bytesTotal: sum(files) }
  parts.vault.prepare(progress.bytesTotal)
  const current = new CurrentFiles()
  let next = 0
  do {
    const startedMs = parts.clock.monotonicMs()
    let bytes = 0
    let nodes = batch.size
    const isOpen = (): boolean =>
      bytes < commitBytesMax && nodes < commitNodesMax && parts.clock.monotonicMs() - startedMs < commitMsMax
    const takeFiles = function* (): Generator<Step> {
      for (let step = files[next]; step !== undefined && isOpen(); step = files[next]) {
        next += 1
        nodes += 1
        bytes += step.merged?.size ?? 0
        yield step
      }
    }
    await forEachLimited(
      groupSmall(takeFiles(), (step) => step.merged?.size ?? 0),
      filesAtOnceMax,
      async (group) => {
        const left = group.length === 1 ? group : await pushTogether(parts, batch, group, counts)
        for (const step of left) {
          const path = parts.where.path(step.id) ?? ''
          await pushFile(parts, ledger, batch, step, counts, (length) => {
            progress.bytes += length
            current.add(path, length, step.merged?.size ?? 0)
            parts.onProgress({ ...progress, current: current.list() })
          })
          current.end(path)
        }
        const isLeft = new Set(left)
        progress.files += group.length
        progress.bytes += sum(group.filter((step) => !isLeft.has(step)))
        parts.onProgress({ ...progress, current: current.list() })
      },
    )
    try {
      const snapshot = await batch.commit(hasMore || next < files.length)
      if (snapshot !== null) pushed.snapshots.push(snapshot)
    } catch (error) {
      if (!isTrouble(error, 'conflict')) throw error
      return { ...pushed, hasRaced: true }
    }
    pushed.counts = { ...counts }
  } while (next < files.length)
  return pushed
}

const sum = (steps: Step[]): number => steps.reduce((total, step) => total + (step.merged?.size ?? 0), 0)

/** Folders by depth, then the rest; removals come last in a plan and stay so. */
const structureFirst = (steps: Step[]): Step[] => [
  ...steps.filter((step) => step.merged?.kind === 'folder'),
  ...steps.filter((step) => step.merged?.kind !== 'folder'),
]

/**
 * A folder or link as it shall be. A file that moved is moved first with the content it has at the head: another node
 * may want its old name, and its new content may come batches later.
 */
const putStructure = (parts: ApplyParts, batch: Batch, step: Step, counts: Counts): void => {
  const { merged, remote } = step
  if (merged === null) return
  if (merged.kind === 'file') {
    const stat = parts.where.stat(step.id)
    const isMoved = remote !== null && (remote.parent !== merged.parent || remote.name !== merged.name)
    // The base must not take the bytes on the disk for those at the head: the stat that it remembers fits nothing.
    if (isMoved)
      batch.put(
        step,
        { ...remote, parent: merged.parent, name: merged.name },
        stat === null ? null : forgottenDisk(stat),
      )
    return
  }
  const stat = parts.where.stat(step.id)
  const remembered = stat === null ? null : rememberedDisk(stat, parts.lookedNs)
  batch.put(step, merged.kind === 'folder' ? { ...merged, content: remote?.content ?? null } : merged, remembered)
  countNode(counts, merged)
}

/** Pushes small files together; those that could not be read are left, to be looked at one by one. */
const pushTogether = async (parts: ApplyParts, batch: Batch, group: Step[], counts: Counts): Promise<Step[]> => {
  const lookedNs = parts.clock.nowNs()
  const files = group.map((step) => ({ path: parts.where.path(step.id) ?? '', bytesMax: step.merged?.size ?? 0 }))
  const left: Step[] = []
  const ready: { step: Step; stat: DiskStat; bytes: Uint8Array }[] = []
  const window = parts.vault.takeWindow()
  try {
    const reads = await parts.disk.readFiles(files, window.memory)
    reads.forEach((read, i) => {
      const step = group[i]
      assert(step !== undefined, 'an answer comes for each file')
      if ('trouble' in read) left.push(step)
      else ready.push({ step, stat: read.stat, bytes: read.bytes })
    })
    const contents = await parts.vault.writeSmallFiles(
      ready.map(({ bytes }) => bytes),
      window,
    )
    contents.forEach((content, i) => {
      const file = ready[i]
      assert(file !== undefined, 'a content comes for each file')
      putFile(batch, file.step, content, file.stat, rememberedDisk(file.stat, lookedNs), counts)
    })
    return left
  } finally {
    window.release()
  }
}

/** The content, and the stat that belongs to it, as the node shall be. */
const putFile = (
  batch: Batch,
  step: Step,
  content: Content,
  stat: DiskStat,
  remembered: DiskStat,
  counts: Counts,
): void => {
  const { merged, remote } = step
  if (merged === null) return
  const size = Number(content.size)
  const state = { ...merged, content: contentBytes(content), size, mode: stat.mode, mtimeNs: stat.mtimeNs }
  if (remote !== null && isUnchanged(state, remote)) {
    batch.agree(step, state, remembered)
    return
  }
  batch.put(step, state, remembered)
  countNode(counts, state)
}

const pushFile = async (
  parts: ApplyParts,
  ledger: Ledger,
  batch: Batch,
  step: Step,
  counts: Counts,
  report: (bytes: number) => void,
): Promise<void> => {
  const { merged } = step
  const path = parts.where.path(step.id)
  if (merged === null || path === null) {
    ledger.unsettled.add(step.id)
    return
  }
  await attempt(parts, ledger, step.id, path, async () => {
    const read = await readStable(parts, path, (source) => parts.vault.writeFile(counted(source, report)))
    if (read === null) {
      ledger.unsettled.add(step.id)
      parts.troubles.push({ path, kind: 'busy', message: busyMessage })
      return
    }
    putFile(batch, step, read.result, read.stat, read.remembered, counts)
  })
}

const counted = ({ size, read }: ByteSource, report: (bytes: number) => void): ByteSource => ({
  size,
  read: async (memory) => {
    const length = await read(memory)
    report(length)
    return length
  },
})
