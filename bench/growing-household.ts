/**
 * A household whose desk's folder grows: one vault, pushed for real, is measured at each of its sizes in turn. A push
 * of a million files is the dearest part of a bench, so it happens once.
 */
import { makeHousehold, reportOf, vaultName, type Household } from '../test/support/household.ts'
import { assertDone, documentsOf } from '../test/support/programs.ts'
import type { Scratch } from '../test/support/scratch.ts'
import { costSeconds, measured, type Measured } from './measured.ts'
import { growTree } from './trees.ts'

export type GrowingHousehold = AsyncDisposable & {
  house: Household
  /** Makes files until there are so many, and pushes them. */
  grow(files: number): Promise<Growth>
}

const runMsMax = 12 * 3600_000

export type Growth = { files: number; plantedMs: number; push: Measured }

export const growingHousehold = async (
  scratch: Scratch,
  seed: string,
  say: (line: string) => void,
): Promise<GrowingHousehold> => {
  const house = await makeHousehold(scratch, { server: { runMsMax } })
  await house.desk.done(['add', house.deskFolder, '--vault', vaultName, '--create'])
  let planted = 0
  return {
    house,
    grow: async (files) => {
      const startedMs = performance.now()
      growTree(house.deskFolder, planted, files, seed)
      const plantedMs = performance.now() - startedMs
      const added = files - planted
      planted = files
      say(`${added} files made in ${Math.round(plantedMs / 1000)} s; pushing them`)
      const push = await turnOf(house)
      say(`pushed in ${costSeconds(push)}`)
      return { files: added, plantedMs, push }
    },
    [Symbol.asyncDispose]: () => house[Symbol.asyncDispose](),
  }
}

const turnMsMax = 3 * 3600_000

/** One whole turn of the desk, which must settle. */
export const turnOf = async ({ desk }: Household): Promise<Measured> => {
  const running = desk.start(['sync', '--json'], { timeoutMs: turnMsMax })
  const cost = await measured(running)
  const [document] = documentsOf(assertDone(await running.result))
  if (!reportOf(document).isSettled) throw new Error('the turn did not settle')
  return cost
}
