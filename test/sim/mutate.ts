/**
 * Breaks the engine on purpose: one source, as it is loaded by this thread, gets another line. Nothing on the disk is
 * touched. An exact text is replaced, and it must be there just once: a mutant that does not fit any more is an error.
 */
import { readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { fileURLToPath } from 'node:url'

export type Mutant = {
  /** From the project's root. */
  file: string
  find: string
  replace: string
  /** What is not done, or done wrongly. */
  breaks: string
}

/** The file of a part of the engine, or of the vault. */
export const sync = (part: string): string => `packages/client/sync/${part}.ts`
export const vault = (part: string): string => `packages/client/vault/${part}.ts`

const projectRoot = new URL('../../', import.meta.url)

/** Throws unless the text to find is in the file exactly once. */
export const checkMutant = ({ file, find, replace, breaks }: Mutant): void => {
  const count = readFileSync(fileURLToPath(new URL(file, projectRoot)), 'utf8').split(find).length - 1
  if (count !== 1) throw new Error(`mutant '${breaks}': ${file} holds its text ${count} times, not once`)
  if (find === replace) throw new Error(`mutant '${breaks}' changes nothing`)
}

export const isMutant = (thing: unknown): thing is Mutant =>
  typeof thing === 'object' && thing !== null && 'find' in thing

/** From now on, whoever imports the file in this thread gets the mutant. */
export const mutate = (mutant: Mutant): void => {
  checkMutant(mutant)
  const url = new URL(mutant.file, projectRoot).href
  registerHooks({
    load: (loaded, context, nextLoad) => {
      const result = nextLoad(loaded, context)
      if (loaded !== url) return result
      const source = typeof result.source === 'string' ? result.source : new TextDecoder().decode(result.source)
      return { ...result, source: source.replace(mutant.find, () => mutant.replace) }
    },
  })
}
