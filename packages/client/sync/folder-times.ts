/**
 * The times of folders. Whatever is put into a folder, renamed or removed in it gives the folder another time, on this
 * disk alone; a pull gives it back. What a pull that was cut short did not give back, the next one does.
 */
import { nodeIdFromBytes, rootNodeId, type NodeId } from '@anysync/protocol/ids.ts'
import { isTrouble } from '@anysync/protocol/errors.ts'
import { nameOf } from '../path.ts'
import type { DiskStat } from '../ports.ts'
import { attempt, type ApplyParts, type Ledger } from './apply.ts'
import { seenStat } from './arrange.ts'
import { facts } from './facts.ts'
import { forEachLimited } from './limited.ts'
import { lookAt } from './look-at.ts'
import type { Step } from './plan.ts'

const looksAtOnceMax = 8

export class FolderTimes {
  readonly #parts: ApplyParts
  /** From before anything was done in them, for the folders whose time the plan does not set. */
  readonly #times: Map<NodeId, bigint>

  constructor(parts: ApplyParts) {
    this.#parts = parts
    this.#times = parseTimes(parts.state.fact(parts.linkId, facts.folderTimes))
  }

  /** Call before the first change on the disk: notes the times of all folders in which the steps change something. */
  async remember(steps: Step[]): Promise<void> {
    const { disk, state, linkId, where } = this.#parts
    const folders = new Set<NodeId>()
    for (const { local, merged, toDisk } of steps) {
      if (toDisk === 'none') continue
      if (local !== null) folders.add(local.folder)
      if (merged !== null) folders.add(merged.parent)
    }
    const before = this.#times.size
    await forEachLimited(folders, looksAtOnceMax, async (id) => {
      const path = id === rootNodeId || this.#times.has(id) ? null : where.path(id)
      const stat = path === null ? null : await lookAt(disk, path)
      if (stat !== null && stat !== 'closed') this.#times.set(id, stat.mtimeNs)
    })
    if (this.#times.size > before) state.putFact(linkId, facts.folderTimes, formatTimes(this.#times))
  }

  /** Gives every folder its time: the plan's, or the one from before. Deepest first, for a child's name is part of its parent. */
  async restore(steps: Step[], ledger: Ledger): Promise<void> {
    const { disk, where } = this.#parts
    const wanted = new Map<NodeId, { step: Step | null; mtimeNs: bigint; mode: number | null }>()
    for (const [id, mtimeNs] of this.#times) wanted.set(id, { step: null, mtimeNs, mode: null })
    for (const step of steps) {
      if (step.merged?.kind !== 'folder' || (step.toDisk !== 'create' && step.toDisk !== 'change')) continue
      if (!ledger.unsettled.has(step.id))
        wanted.set(step.id, { step, mtimeNs: step.merged.mtimeNs, mode: step.merged.mode })
    }
    const paths = [...wanted].flatMap(([id, want]) => {
      const path = where.path(id)
      return path === null ? [] : [{ id, path, want, depth: path.split('/').length }]
    })
    for (const { id, path, want } of paths.sort((a, b) => b.depth - a.depth)) {
      const { step } = want
      await attempt(this.#parts, ledger, id, path, async () => {
        // Expecting what the plan saw: a person may have changed the mode since.
        const stat = step === null ? await disk.lstat(path) : seenStat(this.#parts, step)
        if (stat === null || stat.kind !== 'folder') return
        const after = await this.#setTime(path, stat, { mode: want.mode ?? stat.mode, mtimeNs: want.mtimeNs })
        if (step?.merged) where.moved(id, step.merged.parent, nameOf(path), after)
      })
    }
    if (this.#times.size > 0) this.#parts.state.putFact(this.#parts.linkId, facts.folderTimes, null)
  }

  /** Sets mode and time. Some systems let only the owner set a time: then it is told, and nothing waits for it. */
  async #setTime(path: string, stat: DiskStat, attributes: { mode: number; mtimeNs: bigint }): Promise<DiskStat> {
    try {
      return await this.#parts.disk.setAttributes(path, stat, attributes)
    } catch (error) {
      if (stat.mode !== attributes.mode || !isTrouble(error, 'unavailable')) throw error
      this.#parts.troubles.push({ path, kind: 'failed', message: error.message })
      return stat
    }
  }
}

const formatTimes = (times: ReadonlyMap<NodeId, bigint>): string =>
  [...times].map(([id, mtimeNs]) => `${id} ${mtimeNs}`).join('\n')

const parseTimes = (text: string | null): Map<NodeId, bigint> =>
  new Map(
    (text ?? '').split('\n').flatMap((line): [NodeId, bigint][] => {
      const [id = '', mtimeNs = ''] = line.split(' ')
      return id === '' ? [] : [[nodeIdFromBytes(Uint8Array.fromHex(id)), BigInt(mtimeNs)]]
    }),
  )
