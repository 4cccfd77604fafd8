/**
 * What of a plan can be pushed when some of its steps could not be carried out. A folder is not removed while
 * something in it that lives could not be moved out, nothing is put into a folder that is not there, and nothing takes
 * a name that is not free yet. What must wait counts as not carried out either: the next round looks again.
 */
import { rootNodeId, type NodeId } from '@anysync/protocol/ids.ts'
import type { Ledger } from './apply.ts'
import type { HeadView } from './head-view.ts'
import { placeKey } from './merge.ts'
import type { Step } from './plan.ts'

/** The steps to push, in the order of the plan. Adds those that must wait to what is unsettled. */
export const pushable = (view: HeadView, ledger: Ledger, steps: Step[]): Step[] => {
  let wanted = steps.filter((step) => step.toLog !== 'none' && !ledger.unsettled.has(step.id))
  // Each step that must wait may keep others waiting.
  while (ledger.unsettled.size > 0) {
    const staying = stayingAtHead(view, ledger.unsettled)
    const coming = new Set(wanted.flatMap(({ id, merged }) => (merged?.kind === 'folder' ? [id] : [])))
    const canGo = ({ id, merged }: Step): boolean => {
      if (merged === null) return !staying.folders.has(id)
      const { parent } = merged
      const isFolderThere = parent === rootNodeId || coming.has(parent) || view.node(parent) !== null
      return isFolderThere && !staying.places.has(placeKey(merged))
    }
    const waiting = wanted.filter((step) => !canGo(step))
    if (waiting.length === 0) break
    for (const { id } of waiting) ledger.unsettled.add(id)
    wanted = wanted.filter(canGo)
  }
  return wanted
}

/** The places at the head of nodes that stay there for now, and the folders above them. */
const stayingAtHead = (view: HeadView, ids: Iterable<NodeId>): { places: Set<string>; folders: Set<NodeId> } => {
  const places = new Set<string>()
  const folders = new Set<NodeId>()
  for (const id of ids) {
    const state = view.node(id)
    if (state === null) continue
    places.add(placeKey(state))
    for (let at: NodeId | null = state.parent; at !== null && !folders.has(at); at = view.parentOf(at)) folders.add(at)
  }
  return { places, folders }
}
