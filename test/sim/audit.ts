/**
 * Reads the whole vault from the server alone, as a device would that has lost everything but its keys: every
 * snapshot, every folder, every content.
 */
import { contentBytes } from '@anysync/client/content/content.ts'
import { concatBytes } from '@anysync/client/crypto/bytes.ts'
import { createMemoryState } from '@anysync/client/memory/state.ts'
import type { NodeState } from '@anysync/client/ports.ts'
import { nodeStateOf } from '@anysync/client/sync/node.ts'
import { openVault } from '@anysync/client/vault/vault.ts'
import { NodeKind, type Content } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { rootNodeId, type NodeId } from '@anysync/protocol/ids.ts'
import { keyOf } from './oracle.ts'
import { cipher, type World } from './world.ts'

export type Audit = {
  sequence: number
  /** Of the newest root folder; null for an empty vault. */
  root: Uint8Array | null
  /** The nodes of the newest snapshot's folders. */
  head: Map<NodeId, NodeState[]>
  /** Bytes by serialised content, in hex. */
  bytesByContent: Map<string, Uint8Array>
  /** What every content and link target of every snapshot is looked for by, and those of the newest alone. */
  contents: Set<string>
  headContents: Set<string>
}

export const auditVault = async ({ chance, clock, server, accessKeys, grant }: World): Promise<Audit> => {
  const state = createMemoryState()
  const remote = server.remote(accessKeys.deviceToken)
  const vault = openVault({ cipher, chance, clock, state, remote, accessKeys, grants: [grant] })
  await vault.refresh()
  const audit: Audit = {
    sequence: 0,
    root: null,
    head: new Map(),
    bytesByContent: new Map(),
    contents: new Set(),
    headContents: new Set(),
  }
  const seen = new Set<string>()

  const walk = async (folder: NodeId, content: Content, isHead: boolean): Promise<void> => {
    const key = contentBytes(content).toHex()
    if (!isHead && seen.has(key)) return
    seen.add(key)
    const nodes = await vault.tree(content)
    if (isHead) {
      audit.head.set(
        folder,
        nodes.map((node) => nodeStateOf(node, folder)),
      )
    }
    for (const node of nodes) {
      if (node.kind === NodeKind.SYMLINK) note(node.linkTarget, isHead)
      if (node.content === undefined) continue
      if (node.kind === NodeKind.FOLDER) await walk(nodeStateOf(node, folder).id, node.content, isHead)
      else note(await read(node.content), isHead)
    }
  }
  const note = (content: Uint8Array | string, isHead: boolean): void => {
    audit.contents.add(keyOf(content))
    if (isHead) audit.headContents.add(keyOf(content))
  }
  const read = async (content: Content): Promise<Uint8Array> => {
    const key = contentBytes(content).toHex()
    const known = audit.bytesByContent.get(key)
    if (known) return known
    const parts = []
    for await (const part of vault.stream(content)) parts.push(part.slice())
    const bytes = concatBytes(...parts)
    audit.bytesByContent.set(key, bytes)
    return bytes
  }

  const snapshots = vault.snapshots()
  for (const [index, { root, sequence }] of snapshots.entries()) {
    const isHead = index === snapshots.length - 1
    if (isHead) Object.assign(audit, { sequence, root: contentBytes(root) })
    await walk(rootNodeId, root, isHead)
  }
  return audit
}
