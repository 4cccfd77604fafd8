/**
 * What a turn did, for people.
 */
import type { Counts, Trouble, TurnReport } from '@anysync/client/sync/report.ts'
import { waitingWords, whatToDo } from './waiting.ts'
import { counted, formatBytes, formatCount, shown } from './words.ts'

/** How many single paths a list for people names before it only counts. */
const namedMax = 20

export const turnLines = (report: TurnReport): string[] => {
  const lines = [...direction('pulled', report.pulled), ...direction('pushed', report.pushed)]
  if (report.bytesUploaded > 0) lines.push(`uploaded ${formatBytes(report.bytesUploaded)}`)
  lines.push(...listed(report.conflicts, 'both edits kept, the second one as', (path) => shown(path)))
  lines.push(...listed(report.troubles, 'left as it is', ({ path, message }) => `${shown(path)} (${shown(message)})`))
  if (lines.length === 0 && report.waiting === null) lines.push('nothing to do')
  if (report.isSettled)
    lines.push(report.sequence === 0 ? 'in step; the vault is empty' : `in step at snapshot ${report.sequence}`)
  return lines
}

/** What a person must know of a turn that did not bring everything in step; null when it did. */
export const unfinishedLine = (report: TurnReport): string | null => {
  if (report.waiting !== null) {
    return `${waitingWords(report.waiting)} for you, and nothing is pushed until then: ${whatToDo(report.waiting)}`
  }
  const failed = failedTroubles(report).length
  return failed === 0
    ? null
    : `${counted(failed, 'path')} could not be synced: see what is said of each, then sync again`
}

/** What cannot be on this system, is not for syncing, or does not travel in this mode is a state and not a failure. */
export const failedTroubles = ({ troubles }: Pick<TurnReport, 'troubles'>): Trouble[] =>
  troubles.filter(({ kind }) => !states.has(kind))

const states: ReadonlySet<Trouble['kind']> = new Set(['skipped', 'excluded', 'not-here', 'held'] as const)

const direction = (verb: string, { files, folders, symlinks, removed, bytes }: Counts): string[] => {
  const parts: string[] = []
  if (files > 0) parts.push(`${counted(files, 'file')} (${formatBytes(bytes)})`)
  if (folders > 0) parts.push(counted(folders, 'folder'))
  if (symlinks > 0) parts.push(counted(symlinks, 'link'))
  if (removed > 0) parts.push(counted(removed, 'removal'))
  return parts.length === 0 ? [] : [`${verb} ${parts.join(', ')}`]
}

const listed = <Thing>(things: readonly Thing[], what: string, show: (thing: Thing) => string): string[] => {
  const lines = things.slice(0, namedMax).map((thing) => `${what}: ${show(thing)}`)
  if (things.length > namedMax) lines.push(`${what}: ${formatCount(things.length - namedMax)} more`)
  return lines
}
