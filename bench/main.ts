/**
 * `npm run bench -- NAME`: runs one bench and prints what it found.
 */
import { mkdirSync } from 'node:fs'
import { crowd } from './crowd.ts'
import { firstSync } from './first-sync.ts'
import { history } from './history.ts'
import { file, tree } from './keeping.ts'
import { latency } from './latency.ts'
import { marks } from './marks.ts'
import { micro } from './micro.ts'
import { parseOptions, usage, type BenchOptions } from './options.ts'
import { scan } from './scan.ts'
import { tell, type Findings } from './table.ts'
import { growTree } from './trees.ts'
import { turn } from './turn.ts'

const benches: Record<string, (options: BenchOptions) => Promise<Findings>> = {
  scan,
  turn,
  latency,
  tree,
  file,
  micro,
  'first-sync': firstSync,
  crowd,
  history,
  marks,
}

const { name, to, options } = parseOptions(process.argv.slice(2))
const bench = Object.hasOwn(benches, name) ? benches[name] : undefined
if (name === 'trees' && to !== undefined) {
  const startedMs = performance.now()
  const files = Math.max(...options.sizes)
  mkdirSync(to, { recursive: true })
  growTree(to, 0, files, options.seed)
  const rows = [{ files, 'made in s': (performance.now() - startedMs) / 1000 }]
  tell({ bench: 'trees', settings: { seed: options.seed }, rows, remarks: [] }, options.isJson)
} else if (bench === undefined) {
  process.stderr.write(`${usage}\n`)
  process.exitCode = 2
} else {
  try {
    tell(await bench(options), options.isJson)
  } catch (error) {
    // What went wrong first is what there is to know; that clearing up failed as well comes of it.
    let first: unknown = error
    while (first instanceof SuppressedError) first = first.suppressed
    throw first
  }
}
