/**
 * A full scan: what a turn costs that finds nothing changed in a tree of so many files. Its memory must not grow with
 * the tree.
 */
import { makeScratch } from '../test/support/scratch.ts'
import { growingHousehold, turnOf } from './growing-household.ts'
import type { BenchOptions } from './options.ts'
import type { Findings, Row } from './table.ts'

export const scan = async ({ sizes, seed, runs, say }: BenchOptions): Promise<Findings> => {
  using scratch = makeScratch('bench-scan')
  await using growing = await growingHousehold(scratch, seed, say)
  const rows: Row[] = []
  for (const files of sizes) {
    const { files: added, push } = await growing.grow(files)
    // The base remembers files that were quite new as to be read once more; that turn is not the one to measure.
    await turnOf(growing.house)
    for (let run = 0; run < runs; run++) {
      const { ms, cpuMs, rssPeakBytes } = await turnOf(growing.house)
      rows.push({
        files,
        'scan s': ms / 1000,
        'files/s': Math.round(files / (ms / 1000)),
        'CPU s': cpuMs / 1000,
        'peak MB': Math.round(rssPeakBytes / 1e6),
        'pushed before': added,
        'push s': push.ms / 1000,
        'push files/s': Math.round(added / (push.ms / 1000)),
        'push peak MB': Math.round(push.rssPeakBytes / 1e6),
      })
      say(JSON.stringify(rows.at(-1)))
    }
  }
  return {
    bench: 'scan',
    settings: { sizes: sizes.join(' '), seed, runs },
    rows,
    remarks: [
      'The whole of `anysync sync` is measured: the start of the program and two calls to the server are in it.',
    ],
  }
}
