/** What was in a folder that could be listed, and was met nowhere, is gone; with all below it. */
import type { NodeId } from '@anysync/protocol/ids.ts'
import type { BaseNode, State } from '../ports.ts'
import type { LocalChange } from './scan.ts'

/** Adds to the changes that what was missed, and met nowhere, is gone. */
export const reportGone = (
  state: State,
  linkId: string,
  missed: BaseNode[],
  met: ReadonlySet<NodeId>,
  changes: Map<NodeId, LocalChange>,
): void => {
  const told = new Set<NodeId>()
  let left = missed
  while (left.length > 0) {
    const below: BaseNode[] = []
    for (const node of left) {
      // What was never on this disk cannot be missing from it.
      if (node.disk === null || met.has(node.id) || told.has(node.id)) continue
      told.add(node.id)
      changes.set(node.id, { base: node, local: null })
      if (node.kind === 'folder') below.push(...state.children(linkId, node.id))
    }
    left = below
  }
}
