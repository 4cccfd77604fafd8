/**
 * `npm run torment -- --minutes 10 --seed N`: the long torment. A failure keeps its folders and names its seed.
 */
import { parseArgs } from 'node:util'
import { seedOfRun } from '../support/dice.ts'
import { makeScratch } from '../support/scratch.ts'
import { torment } from './torment.ts'

const minutesMax = 24 * 60

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string', default: seedOfRun() },
    quiet: { type: 'boolean', default: false },
  },
})
const minutes = Number(values.minutes)
if (!(minutes > 0 && minutes <= minutesMax)) throw new Error(`--minutes wants a number up to ${minutesMax}`)

const tell = (line: string) => void process.stdout.write(`${line}\n`)
const startedMs = performance.now()
const say = (line: string) => {
  if (!values.quiet) tell(`${((performance.now() - startedMs) / 1000).toFixed(1).padStart(7)} s  ${line}`)
}
tell(`seed ${values.seed}, ${minutes} minutes of edits`)
using scratch = makeScratch('torment')
const options = { seed: values.seed, editingMs: minutes * 60_000, editsPerSecondMax: 50, faultsMax: Infinity, say }
try {
  const { problems, summary, logs } = await torment(scratch, options)
  for (const line of summary) tell(line)
  if (problems.length > 0) {
    scratch.keep()
    for (const line of [...logs, ...problems.map((problem) => `PROBLEM: ${problem}`)]) tell(line)
    tell(`seed ${values.seed} failed: everything is kept in ${scratch.path}`)
    process.exitCode = 1
  } else tell(`seed ${values.seed}: nothing is lost, and both devices are alike`)
} catch (error) {
  scratch.keep()
  tell(`seed ${values.seed} ended early: everything is kept in ${scratch.path}`)
  throw error
}
