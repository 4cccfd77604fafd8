/**
 * Everything that a vault holds, now or in any snapshot, as the oracle calls it: read by the client's own code from the
 * server, each content verified as it is for everybody.
 */
import { createHash } from 'node:crypto'
import { openHistory } from '@anysync/cli/history.ts'
import { contentBytes } from '@anysync/client/content/content.ts'
import { NodeKind, type Content } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { linkKey } from './oracle.ts'

export type VaultContents = { keys: Set<string>; snapshots: number }

export const vaultContents = async (home: string, vaultName: string): Promise<VaultContents> => {
  await using history = await openHistory(undefined, { home, vault: vaultName, quiet: true })
  const { vault, snapshots } = history
  const keys = new Set<string>()
  // Most of a snapshot is that of the one before.
  const seen = new Set<string>()
  const isNew = (content: Content): boolean => {
    const name = Buffer.from(contentBytes(content)).toString('hex')
    if (seen.has(name)) return false
    seen.add(name)
    return true
  }
  const read = async (root: Content): Promise<void> => {
    if (!isNew(root)) return
    for (const { kind, content, linkTarget } of await vault.tree(root)) {
      if (kind === NodeKind.SYMLINK) keys.add(linkKey(linkTarget))
      else if (content !== undefined && kind === NodeKind.FOLDER) await read(content)
      else if (content !== undefined && isNew(content)) {
        const digest = createHash('sha256')
        for await (const bytes of vault.stream(content)) digest.update(bytes)
        keys.add(`file ${digest.digest('hex')}`)
      }
    }
  }
  for (const { root } of snapshots) await read(root)
  return { keys, snapshots: snapshots.length }
}
