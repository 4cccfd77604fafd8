/**
 * `npm run hostile`: plays the attacks of a hostile server by their names, or with `--mutants` breaks one check of the client
 * after the other and sees that its attack notices.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { parseArgs } from 'node:util'
import { mutate } from '../sim/mutate.ts'
import { makeScratch } from '../support/scratch.ts'
import { mutants } from './mutants.ts'

const { values } = parseArgs({
  options: { mutants: { type: 'boolean', default: false }, mutant: { type: 'string' }, only: { type: 'string' } },
})

/** The names of the attacks that got through, of those whose name holds this. */
const play = async (only: string): Promise<string[]> => {
  // Not before, so that what is broken is broken in all that they import.
  const [{ attacks }, { makeStage }] = await Promise.all([import('./attacks.ts'), import('./stage.ts')])
  const chosen = attacks.filter(({ name }) => name === only || (values.mutant === undefined && name.includes(only)))
  if (chosen.length === 0) throw new Error(`there is no attack '${only}'`)
  using scratch = makeScratch('hostile')
  await using stage = await makeStage(scratch)
  const through: string[] = []
  for (const attack of chosen) {
    try {
      await attack.play(stage)
    } catch (error) {
      through.push(attack.name)
      console.log(`${attack.name}: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`)
    }
  }
  console.log(`${chosen.length - through.length} of ${chosen.length} attacks were refused`)
  return through
}

/** What a process says when the attack of its mutant is refused all the same. Whatever else it says, it broke. */
const unnoticedCode = 3

const playMutant = async (index: number): Promise<number> => {
  const mutant = mutants[index]
  if (mutant === undefined) throw new Error(`there is no mutant ${index}`)
  mutate(mutant)
  return (await play(mutant.attack)).length > 0 ? 0 : unnoticedCode
}

/** Each in a process of its own, two at once, of those whose name holds `--only`; the names of those that nobody noticed. */
const playMutants = async (): Promise<string[]> => {
  const unnoticed: string[] = []
  const left = [...mutants.entries()].filter(([, { breaks }]) => breaks.includes(values.only ?? ''))
  const work = async (): Promise<void> => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const [index, { breaks, attack }] = next
      const words = ['--disable-warning=ExperimentalWarning', import.meta.filename, '--mutant', String(index)]
      const child = spawn(process.execPath, words, { stdio: ['ignore', 'ignore', 'inherit'] })
      const [code] = (await once(child, 'close')) as [number | null]
      const verdict = code === 0 ? 'noticed' : code === unnoticedCode ? 'NOT NOTICED' : 'NOT PLAYED'
      console.log(`${verdict}: ${breaks}, by '${attack}'`)
      if (code !== 0) unnoticed.push(breaks)
    }
  }
  await Promise.all([work(), work()])
  return unnoticed
}

if (values.mutant !== undefined) process.exitCode = await playMutant(Number(values.mutant))
else if (values.mutants) process.exitCode = (await playMutants()).length > 0 ? 1 : 0
else process.exitCode = (await play(values.only ?? '')).length > 0 ? 1 : 0
