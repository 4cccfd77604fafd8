/**
 * From the save on one device until the file is there on the other, with the right bytes: many edits, one after
 * another, at moments that no timer of the program knows.
 */
import { existsSync, watch, type FSWatcher } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { Dice } from '../test/support/dice.ts'
import { makeScratch } from '../test/support/scratch.ts'
import { anysyncPair } from './anysync-pair.ts'
import { editFolders, isVisible, makeEditFolders, makeEdits, type Edit } from './edits.ts'
import type { BenchOptions } from './options.ts'
import type { Pair } from './pair.ts'
import { syncthingPair, syncthingVersion, watcherDelaySeconds } from './syncthing-pair.ts'
import { percentile, type Findings, type Row } from './table.ts'

const visibleMsMax = 120_000
/** A hint may be lost; a look now and then costs nothing. */
const lookAnywayMs = 100
/** Between two edits, so that they meet the program in every state. */
const pauseMs = { min: 50, max: 550 }

export const latency = async ({ edits: count, syncthingEdits, seed, say }: BenchOptions): Promise<Findings> => {
  using scratch = makeScratch('bench-latency')
  const edits = makeEdits(count, seed)
  const rows: Row[] = []
  const remarks = ['From close or rename on one device until the other shows the file with the right bytes.']
  const ours = await measure(await anysyncPair(scratch), edits, seed, say)
  rows.push(ours)
  if (syncthingEdits === 0) remarks.push('Syncthing was left out.')
  else if (syncthingVersion() === null) remarks.push('Syncthing is not installed, so there is nothing to compare with.')
  else {
    const theirs = await measure(await syncthingPair(scratch), edits.slice(0, syncthingEdits), seed, say)
    rows.push(theirs)
    const ratio = Number(ours['p50 ms']) / Number(theirs['p50 ms'])
    remarks.push(
      `At the median AnySync takes ${ratio.toFixed(2)} times what Syncthing takes, whose watcher waits ${watcherDelaySeconds} s, the least it can.`,
    )
  }
  return { bench: 'latency', settings: { edits: count, syncthing: syncthingEdits, seed }, rows, remarks }
}

const measure = async (pair: Pair, edits: Edit[], seed: string, say: (line: string) => void): Promise<Row> => {
  await using _pair = pair
  const dice = new Dice(`pauses ${seed}`)
  makeEditFolders(pair.from)
  while (!editFolders.every((folder) => existsSync(join(pair.to, folder)))) await wait(lookAnywayMs)
  using sight = watchFor(pair.to)
  const all: { kind: Edit['kind']; ms: number }[] = []
  for (const edit of edits) {
    await wait(pauseMs.min + dice.below(pauseMs.max - pauseMs.min))
    edit.make(pair.from)
    const savedMs = performance.now()
    all.push({ kind: edit.kind, ms: (await sight.of(edit)) - savedMs })
    if (all.length % 50 === 0) say(`${pair.name}: ${all.length} of ${edits.length} edits`)
  }
  const ms = all.map(({ ms }) => ms)
  const medianOf = (kind: Edit['kind']): number | null => {
    const ofKind = all.filter((one) => one.kind === kind).map(({ ms }) => ms)
    return ofKind.length === 0 ? null : Math.round(percentile(ofKind, 0.5))
  }
  return {
    program: pair.name,
    edits: edits.length,
    'p50 ms': Math.round(percentile(ms, 0.5)),
    'p90 ms': Math.round(percentile(ms, 0.9)),
    'p99 ms': Math.round(percentile(ms, 0.99)),
    'max ms': Math.round(Math.max(...ms)),
    'create p50': medianOf('create'),
    'overwrite p50': medianOf('overwrite'),
    'append p50': medianOf('append'),
    'rename p50': medianOf('rename'),
  }
}

type Sight = Disposable & { of(edit: Edit): Promise<number> }

/** Looks at an edit's file whenever the system tells of a change in one of the folders. */
const watchFor = (root: string): Sight => {
  let look: (() => void) | null = null
  const watchers: FSWatcher[] = editFolders.map((folder) => watch(join(root, folder), () => look?.()))
  return {
    of: (edit) =>
      new Promise((resolve, reject) => {
        const end = () => {
          look = null
          clearInterval(timer)
          clearTimeout(late)
        }
        const timer = setInterval(() => look?.(), lookAnywayMs)
        const late = setTimeout(() => {
          end()
          reject(new Error(`an edit (${edit.kind}) was not visible within ${visibleMsMax} ms`))
        }, visibleMsMax)
        look = () => {
          if (!isVisible(root, edit)) return
          const seenMs = performance.now()
          end()
          resolve(seenMs)
        }
        look()
      }),
    [Symbol.dispose]: () => {
      for (const watcher of watchers) watcher.close()
    },
  }
}
