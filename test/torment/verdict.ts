/**
 * The end of the torment: both devices are in step, nothing is left to do, both folders are alike, and everything that
 * must be found is found.
 */
import { inStep } from '../support/status.ts'
import { differences, treeOf, type Tree } from '../support/tree.ts'
import { reportOf, vaultName, type Household } from '../support/household.ts'
import { described, documentsOf } from '../support/programs.ts'
import type { TestDevice } from '../support/device.ts'
import type { Daemon } from './daemon.ts'
import { fateOf, lainMs, type Oracle } from './oracle.ts'
import { vaultContents } from './vault-contents.ts'

export type Verdict = {
  /** One line each; none when all is well. */
  problems: string[]
  /** What was judged, for a person. */
  summary: string[]
}

const inStepMsMax = 180_000
const shownMax = 30

export const judge = async (house: Household, daemons: readonly Daemon[], oracle: Oracle): Promise<Verdict> => {
  const { desk, laptop, deskFolder, laptopFolder } = house
  const problems: string[] = []
  const startedMs = performance.now()
  const { isSo, statuses } = await inStep([desk, laptop], inStepMsMax)
  if (!isSo) problems.push(`not in step after ${inStepMsMax} ms: ${JSON.stringify(statuses)}`)
  const settledMs = Math.round(performance.now() - startedMs)
  // Two programs do not work on one account at once.
  for (const daemon of daemons) await daemon.kill('SIGTERM')
  problems.push(...daemons.flatMap((daemon) => daemon.faults()))
  problems.push(...(await mustDoNothing([desk, laptop])))

  const trees = [withoutOtherTimes(treeOf(deskFolder)), withoutOtherTimes(treeOf(laptopFolder))] as const
  const differing = differences(trees[1], trees[0])
  problems.push(...differing.slice(0, shownMax).map((line) => `the laptop differs from the desk: ${line}`))

  const { keys, snapshots } = await vaultContents(laptop.home, vaultName)
  const saves = oracle.saves()
  const fates = saves.map((save) => {
    const uptimes = daemons.find(({ device }) => device.name === save.device)?.uptimes() ?? []
    return { save, fate: fateOf(save, uptimes), lainMs: lainMs(save, uptimes), isFound: keys.has(save.key) }
  })
  const must = fates.filter(({ fate }) => fate !== 'may be missing')
  const missing = must.filter(({ isFound }) => !isFound)
  // What was never replaced is the worst of it.
  missing.sort((a, b) => Number(a.save.endedMs !== null) - Number(b.save.endedMs !== null))
  for (const { save, fate } of missing.slice(0, shownMax)) {
    const { device, what, savedMs, endedMs, key } = save
    const until = endedMs === null ? 'never replaced there' : `replaced there ${Math.round(endedMs - savedMs)} ms later`
    problems.push(`lost: ${what}, saved on the ${device} at ${Math.round(savedMs)} ms, ${until} (${fate}; ${key})`)
  }
  if (missing.length > shownMax) problems.push(`lost: ${missing.length - shownMax} more`)
  const found = fates.filter(({ isFound }) => isFound).length
  const missedLainMs = Math.max(0, ...fates.filter(({ isFound }) => !isFound).map(({ lainMs }) => lainMs))
  return {
    problems,
    summary: [
      `in step ${settledMs} ms after the last edit, ${trees[0].size} files, folders and links on each device`,
      `${saves.length} contents were saved, ${found} are found; of the ${must.length} that must be, ${must.length - missing.length}`,
      `of those that are not found, none lay longer than ${Math.round(missedLainMs)} ms while all was up`,
      `${snapshots} snapshots; ${daemons.map((daemon) => `${daemon.turns()} turns of the ${daemon.device.name}`).join(', ')}`,
      ...daemons.flatMap(({ device, troubles }) =>
        [...troubles()].map(([message, count]) => `${count} times on the ${device.name}: ${message}`),
      ),
    ],
  }
}

/** Twice each: what one does may be news for the other. */
const mustDoNothing = async (devices: readonly TestDevice[]): Promise<string[]> => {
  const problems: string[] = []
  for (const device of [...devices, ...devices]) {
    const result = await device.run(['sync', '--json'])
    if (result.exitCode !== 0) {
      problems.push(`a turn of the ${device.name} fails: ${described(result)}`)
      continue
    }
    const { pulled, pushed } = reportOf(documentsOf(result)[0])
    const did = [...Object.values(pulled), ...Object.values(pushed)].some((count) => count > 0)
    if (did) problems.push(`a turn of the ${device.name} still had something to do: ${result.stdout}`)
  }
  return problems
}

/** A folder's time moves with every name in it and travels only with edits; a symlink's cannot be set everywhere. */
const withoutOtherTimes = (tree: Tree): Tree =>
  new Map([...tree].map(([path, line]) => [path, line.startsWith('file ') ? line : line.replace(/ mtime -?\d+/, '')]))
