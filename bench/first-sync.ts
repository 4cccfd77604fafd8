/**
 * A whole tree appears in one of two folders that are kept in step: how long until the other has all of it, byte by
 * byte. For us and for Syncthing, in turn within each round.
 */
import { cpSync, existsSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { makeScratch, type Scratch } from '../test/support/scratch.ts'
import { filesBelow } from '../test/support/server.ts'
import { anysyncPair } from './anysync-pair.ts'
import { makeTree } from './corpora.ts'
import type { BenchOptions } from './options.ts'
import type { Pair } from './pair.ts'
import { demandSame } from './same.ts'
import { syncthingPair, syncthingVersion } from './syncthing-pair.ts'
import { percentile, type Findings, type Row } from './table.ts'

const thereMsMax = 30 * 60_000
/** A count of some ten thousand files takes a part of a second; between two, nothing of the machine is taken. */
const lookMs = 500

export const firstSync = async ({ files, runs, seed, isAlone, say }: BenchOptions): Promise<Findings> => {
  using scratch = makeScratch('bench-first-sync')
  const source = scratch.folder('source')
  const bytes = makeTree(source, files, seed)
  const makers = isAlone || syncthingVersion() === null ? [anysyncPair] : [anysyncPair, syncthingPair]
  const times = new Map<string, number[]>()
  for (let run = 0; run < runs; run++) {
    for (const make of run % 2 === 0 ? makers : makers.toReversed()) {
      using own = makeScratch('pair')
      await using pair = await make(own)
      const ms = await syncOnce(pair, own, source)
      times.set(pair.name, [...(times.get(pair.name) ?? []), ms])
      say(`round ${run + 1}, ${pair.name}: ${(ms / 1000).toFixed(1)} s`)
    }
  }
  const medians = [...times].map(([program, ms]) => ({ program, s: percentile(ms, 0.5) / 1000 }))
  const [ours, theirs] = medians
  const rows = medians.map(({ program, s }): Row => ({ program, runs, 'p50 s': s }))
  const remarks = ['From the moment that the tree has its name on one device until the other holds all of it.']
  if (ours !== undefined && theirs !== undefined)
    remarks.push(`AnySync takes ${(ours.s / theirs.s).toFixed(2)} times what ${theirs.program} takes.`)
  return { bench: 'first-sync', settings: { files, MB: Math.round(bytes / 1e6), seed, runs }, rows, remarks }
}

const syncOnce = async (pair: Pair, scratch: Scratch, source: string): Promise<number> => {
  // Made beside the folder, so that all of it appears at once.
  const prepared = join(scratch.path, 'prepared')
  cpSync(source, prepared, { recursive: true })
  const wanted = filesBelow(prepared).length
  const [from, to] = [join(pair.from, 'tree'), join(pair.to, 'tree')]
  renameSync(prepared, from)
  const startedMs = performance.now()
  while (!existsSync(to) || filesBelow(to).filter((path) => !path.includes('.syncthing.')).length < wanted) {
    if (performance.now() - startedMs > thereMsMax) throw new Error(`${pair.name} took more than ${thereMsMax} ms`)
    await wait(lookMs)
  }
  const ms = performance.now() - startedMs
  demandSame(from, to)
  return ms
}
