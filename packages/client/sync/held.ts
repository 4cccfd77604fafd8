/**
 * What a person did in a folder whose mode does not let it travel: told, with the reason, as long as it stands.
 */
import type { NodeId } from '@anysync/protocol/ids.ts'
import type { BaseNode, LinkMode } from '../ports.ts'
import { isSamePlace, isUnchanged } from './merge.ts'
import type { Step } from './plan.ts'
import type { Trouble } from './report.ts'

type Deed = 'new' | 'changed' | 'deleted'

const messages: Record<'mirror' | 'new-only', Record<Deed, string>> = {
  mirror: {
    new: 'it is only here, for this folder takes what the vault has and sends nothing: copy it elsewhere to share it',
    changed:
      'it was changed or moved here, and this folder sends nothing: that stays until the vault changes it too; then an ' +
      'edit lives on beside it under a name of its own',
    deleted: 'it was deleted here, and this folder sends nothing: it comes back when the vault changes it',
  },
  'new-only': {
    new: 'the vault has another file of this name, and this folder sends only new ones: rename it to have it sent',
    changed: 'it was changed or moved here, and this folder sends only new files: the vault keeps what it has',
    deleted: 'it was deleted here, and this folder sends only new files: the vault keeps it',
  },
}

/** One line for each deed that is held; a new or deleted folder's speaks for all in it. */
export const heldTroubles = (mode: LinkMode, steps: Step[], pathOf: (node: BaseNode) => string): Trouble[] => {
  if (mode !== 'mirror' && mode !== 'new-only') return []
  const told = new Map<NodeId, { deed: Deed; path: string }>()
  for (const step of steps) {
    const deed = step.toBase === 'put' ? null : deedOf(step)
    if (deed === null || (mode === 'new-only' && isEmptyFolder(step))) continue
    told.set(step.id, { deed, path: step.local?.path ?? (step.base === null ? '' : pathOf(step.base)) })
  }
  return steps.flatMap(({ id, base, local, merged }): Trouble[] => {
    const line = told.get(id)
    if (line === undefined) return []
    const folder = (local ?? merged ?? base)?.parent
    const isToldAbove = line.deed !== 'changed' && folder !== undefined && told.get(folder)?.deed === line.deed
    return isToldAbove ? [] : [{ path: line.path, kind: 'held', message: messages[mode][line.deed] }]
  })
}

/** A new folder that no file needs is not sent, and is nothing to tell, unless its name is what stands in the way. */
const isEmptyFolder = ({ base, local, merged }: Step): boolean =>
  base === null && local?.kind === 'folder' && merged !== null && isSamePlace(local, merged)

/** What a person did to a node here; null when it was the head that changed. */
const deedOf = ({ base, local }: Step): Deed | null => {
  if (local === null) return base !== null && base.disk !== null ? 'deleted' : null
  if (local.path === '') return null
  if (base === null) return 'new'
  // A time alone is not worth a line.
  return isUnchanged({ ...base, mtimeNs: local.mtimeNs }, local) ? null : 'changed'
}
