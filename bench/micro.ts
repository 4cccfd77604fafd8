/**
 * Single stages of a push, each alone, with the speed of memory beside them as the limit that none can pass; and trees
 * and plans, whose cost is counted in nodes.
 */
import { create } from '@bufbuild/protobuf'
import { measureSpeeds } from '@anysync/cli/local-speed.ts'
import { modePolicies } from '@anysync/client/sync/modes.ts'
import { isSameContent, isSamePlace, isUnchanged } from '@anysync/client/sync/merge.ts'
import { plan } from '@anysync/client/sync/plan.ts'
import type { LocalChange } from '@anysync/client/sync/scan.ts'
import { parseTree, serializeTree } from '@anysync/client/vault/tree.ts'
import { makeContent } from '@anysync/client/content/content.ts'
import { NodeKind, NodeSchema } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { chunkIdFromBytes, nodeIdFromBytes, rootNodeId, type NodeId } from '@anysync/protocol/ids.ts'
import { Dice } from '../test/support/dice.ts'
import type { BenchOptions } from './options.ts'
import { percentile, type Findings, type Row } from './table.ts'

const nodesCount = 100_000
const nodesPerTree = 1000

export const micro = async ({ seed, runs }: BenchOptions): Promise<Findings> => {
  const { threads, speeds } = await measureSpeeds()
  const rows: Row[] = speeds.map(({ what, oneThread, allThreads }) => ({
    stage: what,
    unit: 'MB/s',
    'one thread': oneThread,
    [`${threads} threads`]: allThreads,
  }))
  const dice = new Dice(`micro ${seed}`)
  for (const [stage, run] of [
    ['write and read trees', treesOf(dice)],
    ['plan new files', planOf(dice)],
  ] as const) {
    const perSecond = percentile(
      Array.from({ length: runs }, () => nodesCount / (timed(run) / 1000)),
      0.5,
    )
    rows.push({ stage, unit: 'nodes/s', 'one thread': Math.round(perSecond), [`${threads} threads`]: null })
  }
  const remarks = ['Nothing is read from a disk or sent. What copies memory cannot be faster than copying memory.']
  return { bench: 'micro', settings: { seed, runs }, rows, remarks }
}

const timed = (run: () => void): number => {
  const startedMs = performance.now()
  run()
  return performance.now() - startedMs
}

const treesOf = (dice: Dice): (() => void) => {
  const nodes = Array.from({ length: nodesPerTree }, (_, i) =>
    create(NodeSchema, {
      id: dice.bytes(16),
      name: `file ${i}`,
      kind: NodeKind.FILE,
      mode: 0o644,
      mtimeNs: 1n,
      content: makeContent(1, 0, [chunkIdFromBytes(dice.bytes(32))]),
    }),
  )
  return () => {
    for (let done = 0; done < nodesCount; done += nodesPerTree) parseTree(serializeTree(nodes))
  }
}

const planOf = (dice: Dice): (() => void) => {
  const local = new Map<NodeId, LocalChange>()
  for (let i = 0; i < nodesCount; i++) {
    const id = nodeIdFromBytes(dice.bytes(16))
    const name = `file ${i}`
    const attributes = { kind: 'file', size: 1, mode: 0o644, mtimeNs: 1n } as const
    const disk = { ...attributes, ctimeNs: 1n, device: 1n, inode: BigInt(i) }
    const node = { ...attributes, id, parent: rootNodeId, name, content: null, linkTarget: '' }
    local.set(id, { base: null, local: { ...node, path: name, folder: rootNodeId, disk, isAside: false } })
  }
  return () => {
    const { steps } = plan({
      base: () => null,
      baseChildren: () => [],
      root: rootNodeId,
      local,
      remote: new Map(),
      pathOf: () => '',
      newId: () => rootNodeId,
      conflictName: (name) => name,
      policy: { mode: modePolicies.sync, isSamePlace, isSameContent, isUnchanged },
    })
    if (steps.length !== nodesCount) throw new Error(`planned ${steps.length} steps`)
  }
}
