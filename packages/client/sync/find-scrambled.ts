/**
 * Which files of a plan were scrambled since this disk and the log agreed on them: looks at the beginning of each file that
 * may have been, and at nothing where none may. [Note: the brake]
 */
import { chunkIdFromBytes, type NodeId, type VaultId } from '@anysync/protocol/ids.ts'
import { scrambledSampleBytes, scrambledSampleBytesMin } from '@anysync/protocol/limits.ts'
import { parseContent } from '../content/content.ts'
import type { BaseNode, Disk, State } from '../ports.ts'
import { forEachLimited } from './limited.ts'
import { isSameContent } from './merge.ts'
import type { Step } from './plan.ts'
import { isRecognisable, looksScrambled } from './scrambled.ts'
import { isOfDisk } from './survey.ts'

export type ScrambledParts = {
  disk: Pick<Disk, 'openFile'>
  state: Pick<State, 'findChunk'>
  vaultId: VaultId
  /** Where a node lies on this disk now; null when it is not there. */
  pathOf: (id: NodeId) => string | null
}

/** `instead`: a new file, which counts only in the place of one that went from the same folder; null for one that was edited. */
type Suspect = { path: string; instead: NodeId | null }

const filesAtOnceMax = 4

/** Their paths, sorted. What cannot be read now is not among them: nor can it be pushed. */
export const findScrambled = async (parts: ScrambledParts, steps: readonly Step[]): Promise<string[]> => {
  const gone = countGone(parts, steps)
  const scrambled: string[] = []
  await forEachLimited(suspectsOf(parts, steps, gone), filesAtOnceMax, async ({ path, instead }) => {
    if (!(await isScrambled(parts.disk, path))) return
    if (instead !== null) {
      const left = gone.get(instead) ?? 0
      if (left === 0) return
      gone.set(instead, left - 1)
    }
    scrambled.push(path)
  })
  return scrambled.sort()
}

/** How many files that could be recognised go from each folder: `X.docx` may have become `X.docx.locked`, or anything. */
const countGone = (parts: ScrambledParts, steps: readonly Step[]): Map<NodeId, number> => {
  const gone = new Map<NodeId, number>()
  for (const { base, toLog } of steps) {
    if (toLog !== 'remove' || base?.kind !== 'file' || !wasRecognisable(parts, base)) continue
    gone.set(base.parent, (gone.get(base.parent) ?? 0) + 1)
  }
  return gone
}

function* suspectsOf(
  parts: ScrambledParts,
  steps: readonly Step[],
  gone: ReadonlyMap<NodeId, number>,
): Generator<Suspect> {
  for (const { id, base, local, merged, toLog } of steps) {
    if (toLog !== 'put' || local?.kind !== 'file' || merged?.kind !== 'file') continue
    if (local.size < scrambledSampleBytesMin) continue
    const isSuspect =
      base === null
        ? gone.has(local.parent)
        : base.kind === 'file' && !isSameContent(base, merged) && wasRecognisable(parts, base)
    const path = isSuspect ? parts.pathOf(id) : null
    if (path !== null) yield { path, instead: base === null ? local.parent : null }
  }
}

const wasRecognisable = ({ state, vaultId }: ScrambledParts, { name, content }: BaseNode): boolean => {
  const storedShare = content === null ? null : storedShareOf(state, vaultId, content)
  return isRecognisable({ name, storedShare })
}

/** By the segment of its first chunk, which other small files may share; null when that is not known here. */
const storedShareOf = (state: Pick<State, 'findChunk'>, vaultId: VaultId, content: Uint8Array): number | null => {
  const { depth, chunks } = parseContent(content)
  const [first] = chunks
  if (first === undefined || depth > 0) return null
  const place = state.findChunk(vaultId, chunkIdFromBytes(first))
  return place === null || place.plainLength === 0 ? null : place.sealedLength / place.plainLength
}

const isScrambled = async (disk: Pick<Disk, 'openFile'>, path: string): Promise<boolean> => {
  try {
    await using file = await disk.openFile(path)
    const buffer = new Uint8Array(scrambledSampleBytes)
    return looksScrambled(buffer.subarray(0, await file.read(buffer, 0)))
  } catch (error) {
    // The push comes to the same trouble, and tells it.
    if (!isOfDisk(error)) throw error
    return false
  }
}
