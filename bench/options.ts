/**
 * What every bench can be told, and what it does when it is told nothing.
 */
import { parseArgs } from 'node:util'

export type BenchOptions = {
  /** Files in the tree, growing. */
  sizes: number[]
  seed: string
  /** How often each thing is measured. */
  runs: number
  edits: number
  /** Of the same edits, how many Syncthing gets; 0 leaves it out. */
  syncthingEdits: number
  /** What the tree and file benches keep, and whether other programs keep it too. */
  files: number
  megabytes: number
  /** Of the history bench. */
  snapshots: number
  isAlone: boolean
  isJson: boolean
  /** How it goes, for who waits. */
  say: (line: string) => void
}

export const usage = `npm run bench -- NAME [options]
  NAME             tree, file, micro, scan, turn, latency, first-sync, crowd, history, marks
                   or trees
  --sizes LIST     files in the tree, like 10000,100000,1000000
  --runs N         how often each size is measured
  --edits N        edits of the latency bench
  --files N        files of the tree, first-sync, crowd and history benches
  --snapshots N    snapshots of the history bench
  --megabytes N    size of the file bench's file
  --alone          measures AnySync and no other program
  --syncthing N    how many of them Syncthing gets as well, when it is installed; 0 leaves it out
  --seed TEXT      another tree, or other edits
  --to FOLDER      where trees puts its tree, which then stays
  --json           one JSON document on standard output`

export const parseOptions = (words: string[]) => {
  const { values, positionals } = parseArgs({
    args: words,
    allowPositionals: true,
    options: {
      sizes: { type: 'string', default: '10000,100000' },
      runs: { type: 'string', default: '5' },
      edits: { type: 'string', default: '500' },
      files: { type: 'string', default: '26681' },
      megabytes: { type: 'string', default: '1024' },
      snapshots: { type: 'string', default: '10000' },
      alone: { type: 'boolean', default: false },
      syncthing: { type: 'string', default: '60' },
      seed: { type: 'string', default: 'anysync' },
      to: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  })
  const options: BenchOptions = {
    sizes: values.sizes
      .split(',')
      .map((size) => count('sizes', size))
      .sort((a, b) => a - b),
    seed: values.seed,
    runs: count('runs', values.runs),
    edits: count('edits', values.edits),
    syncthingEdits: values.syncthing === '0' ? 0 : count('syncthing', values.syncthing),
    files: count('files', values.files),
    megabytes: count('megabytes', values.megabytes),
    snapshots: count('snapshots', values.snapshots),
    isAlone: values.alone,
    isJson: values.json,
    say: (line) => void process.stderr.write(`${line}\n`),
  }
  return { name: positionals[0] ?? '', to: values.to, options }
}

const count = (name: string, text: string): number => {
  const value = Number(text.replaceAll('_', ''))
  if (!Number.isSafeInteger(value) || value < 1) throw new Error(`--${name} wants whole numbers of 1 or more\n${usage}`)
  return value
}
