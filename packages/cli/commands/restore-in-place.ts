/**
 * `anysync restore --in-place`: makes a path of the vault what it was, by a new snapshot that every device pulls, this
 * one at once. Undone like any change: by restoring what was before.
 */
import { walk } from '@anysync/client/vault/history.ts'
import { commitPutBack } from '@anysync/client/vault/commit-put-back.ts'
import { newNodeId } from '@anysync/client/vault/new-node-id.ts'
import { planPutBack, type PutBackStep } from '@anysync/client/vault/put-back.ts'
import type { SnapshotInfo } from '@anysync/client/vault/vault-types.ts'
import { NodeKind } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { findThen, openHistory, snapshotAt, snapshotDocument, type OpenedHistory } from '../history.ts'
import { exitCodes, type ExitCode } from '../output/fail.ts'
import { createOutput } from '../output/print.ts'
import { createProgress } from '../output/progress.ts'
import { counted, localTime, shown } from '../output/words.ts'
import { nodeChance } from '../ports/chance.ts'
import { nodeClock } from '../ports/clock.ts'
import { openTurns } from '../turns.ts'
import type { RestoreOptions } from './restore.ts'

export const restoreInPlace = async (typed: string | undefined, options: RestoreOptions): Promise<ExitCode> => {
  const output = createOutput(options)
  await using history = await openHistory(typed, options)
  const { vault } = history
  const { snapshot: then, found } = await findThen(history, options.at)
  if (options.verify === true) await verifyContents(history, then, options)
  const putBack = { isExact: options.delete === true, newId: () => newNodeId(nodeChance, nodeClock) }
  const newest = snapshotAt(history, undefined)
  const { steps, snapshot } =
    options.dryRun === true
      ? {
          ...(await planPutBack(vault, { newest: newest.root, wanted: then.root }, found.path, putBack)),
          snapshot: null,
        }
      : await commitPutBack(vault, then, found.path, putBack)
  const isDryRun = options.dryRun === true
  const pulled = snapshot === null ? [] : await pull(history, options)
  output.tell({
    from: snapshotDocument(then),
    path: found.path,
    isDryRun,
    snapshot: snapshot === null ? null : snapshotDocument(snapshot),
    steps: steps.map(({ path, what }) => ({ path, what })),
    pulled,
  })
  for (const { what, path } of isDryRun ? steps : []) output.say(`would be ${what}: ${shown(path)}`)
  if (snapshot === null) {
    if (steps.length === 0) output.say(`everything is as it was on ${localTime(then.timeNs)} already`)
    return exitCodes.done
  }
  const undo = `anysync restore${typed === undefined ? '' : ` ${shown(typed)}`} --at ${newest.sequence} --in-place`
  output.say(`${amounts(steps)} as of ${localTime(then.timeNs)}, in snapshot ${snapshot.sequence}`)
  output.note(`undo it with: ${undo} --delete`)
  return exitCodes.done
}

const amounts = (steps: PutBackStep[]): string => {
  const count = (wanted: PutBackStep['what']) => steps.filter(({ what }) => what === wanted).length
  const removed = count('removed')
  return `restored ${counted(count('restored'), 'node')}${removed === 0 ? '' : `, removed ${removed},`}`
}

/** Reads every byte that is put back, so that nothing is promised that the server lost. */
const verifyContents = async (
  { vault, path }: OpenedHistory,
  then: SnapshotInfo,
  options: RestoreOptions,
): Promise<void> => {
  using progress = createProgress(options)
  const step = { phase: 'verify', files: 0, filesTotal: 0, bytes: 0, bytesTotal: 0 }
  for await (const { node } of walk(vault, then, path)) {
    if (node.kind !== NodeKind.FILE || node.content === undefined) continue
    for await (const bytes of vault.stream(node.content)) {
      step.bytes += bytes.length
      progress.report(step)
    }
    step.files += 1
  }
}

/** A turn of every folder of this device that follows the vault; by the daemon, when one runs. */
const pull = async (
  { session, vault }: OpenedHistory,
  options: RestoreOptions,
): Promise<{ folder: string; isSettled: boolean }[]> => {
  const links = session.state.links().filter(({ vaultId }) => vaultId === vault.id)
  if (links.length === 0) return []
  using progress = createProgress(options)
  await using turns = await openTurns(options)
  const pulled = []
  for (const link of links) {
    const { isSettled } = await turns.turn(link, (step) => progress.report(step))
    pulled.push({ folder: link.root, isSettled })
  }
  return pulled
}
