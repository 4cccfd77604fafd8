/** What a scan passes over, by its name, its kind or the rules; and what is told of it. */
import type { BaseNode, DiskEntry } from '../ports.ts'
import type { Trouble } from './report.ts'
import type { Rules } from './rules.ts'

/** Null for what is synced. `trouble`: what is told of it, null where the person asked for it and knows. */
export const leftOut = (
  { rules, nowNs }: { rules: Rules; nowNs: bigint },
  { stat }: DiskEntry,
  path: string,
  bases: BaseNode[],
): { trouble: Omit<Trouble, 'path'> | null } | null => {
  if (stat === null) return skipped('its name is not valid UTF-8: rename it to have it synced')
  if (stat.kind === 'other')
    return skipped('it is neither file, folder nor symlink (a socket, pipe or device): it is not synced')
  // What is as it was when it came into the vault is not judged by its size and age again.
  const isAsAgreed = bases.some(({ disk }) => disk !== null && disk.mtimeNs === stat.mtimeNs)
  const refusal = rules.refuse(path, stat.kind, isAsAgreed || stat.kind !== 'file' ? null : stat, nowNs)
  if (refusal === null) return null
  // A file that is in no vault and matches a pattern is what the pattern is for.
  if (refusal.kind === 'excluded' && bases.length === 0) return { trouble: null }
  const stays = bases.length === 0 ? '' : '; what the vault has of it stays there'
  return { trouble: { kind: 'excluded', message: refusal.message + stays } }
}

const skipped = (message: string): { trouble: Omit<Trouble, 'path'> } => ({ trouble: { kind: 'skipped', message } })
