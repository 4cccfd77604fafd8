/**
 * `npm run sim`: plays histories from seeds. `--seed 7` tells one, `--count 200000 [--from 0]` plays many on all cores,
 * `--mutants [--count 3000]` breaks the engine in many ways and tells which seeds notice. The exit code is 0 only when
 * nothing failed; a failing seed is told with the command that plays it again, and as short as it can be made.
 */
import { parseArgs } from 'node:util'
import { playMany, type Failure } from './crew.ts'
import { historyOf } from './history.ts'
import { mutants } from './mutants.ts'
import { checkMutant } from './mutate.ts'
import { play } from './play.ts'
import { shrink } from './shrink.ts'

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    count: { type: 'string' },
    from: { type: 'string', default: '0' },
    mutants: { type: 'boolean', default: false },
    match: { type: 'string', default: '' },
  },
})

const say = (line: string): void => console.log(line)

const number = (name: string, text: string): number => {
  const value = Number(text)
  if (text === '' || !Number.isSafeInteger(value) || value < 0)
    throw new Error(`--${name} must be a number, not '${text}'`)
  return value
}

const tellShort = async ({ seed, failure }: Failure): Promise<void> => {
  say(`\nseed ${seed} failed: ${failure}`)
  say(`replay it with: npm run sim -- --seed ${seed}`)
  if (failure === 'it does not end') return
  const short = await shrink(historyOf(seed), failure)
  say(`\nthe short of it, with ${short.devices} devices and tree ${short.tree}:`)
  const outcome = await play(short, say)
  say(`and then: ${outcome.failure}`)
}

const one = async (seed: number): Promise<boolean> => {
  const first = await play(historyOf(seed), say)
  const second = await play(historyOf(seed))
  const failure = first.failure ?? (second.hash === first.hash ? null : 'two runs of the same seed differ')
  if (failure === null) say(`seed ${seed} passed, trace ${first.hash.toString(16)}`)
  else {
    if (first.stack !== '') say(first.stack)
    await tellShort({ seed, failure })
  }
  return failure === null
}

const many = async (from: number, count: number): Promise<boolean> => {
  const startedMs = performance.now()
  const seconds = (): number => (performance.now() - startedMs) / 1000
  let toldSeconds = 0
  const { seeds, failure } = await playMany({
    from,
    count,
    onProgress: (done) => {
      if (seconds() - toldSeconds < 5) return
      toldSeconds = seconds()
      say(`${done} of ${count} seeds passed, ${Math.round(done / seconds())} a second`)
    },
  })
  if (failure !== null) await tellShort(failure)
  say(
    failure === null
      ? `${seeds} seeds passed, each played twice, in ${Math.round(seconds())} s`
      : `seed ${failure.seed} failed, after ${seeds} seeds in ${Math.round(seconds())} s`,
  )
  return failure === null
}

const breakOnPurpose = async (from: number, count: number, match: string): Promise<boolean> => {
  const chosen = mutants.filter(({ breaks, file }) => `${file} ${breaks}`.includes(match))
  for (const mutant of chosen) checkMutant(mutant)
  let survived = 0
  for (const mutant of chosen) {
    const { failure } = await playMany({ from, count, mutant })
    if (failure === null) survived += 1
    const fate = failure === null ? `SURVIVED ${count} seeds` : `killed by seed ${failure.seed} (${failure.failure})`
    say(`${mutant.file.split('/').at(-1)}: ${mutant.breaks}: ${fate}`)
  }
  say(`${chosen.length} mutants, ${chosen.length - survived} killed, ${survived} survived`)
  return survived === 0
}

const from = number('from', values.from)
const isGood = values.mutants
  ? await breakOnPurpose(from, number('count', values.count ?? '3000'), values.match)
  : values.seed === undefined
    ? await many(from, number('count', values.count ?? '1000'))
    : await one(number('seed', values.seed))
process.exitCode = isGood ? 0 : 1
