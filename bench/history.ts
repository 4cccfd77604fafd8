/**
 * A vault with a long past: many snapshots over many files. How long a person waits for a list, for the versions of a
 * file, for a folder as it was, for one file of any time; then all but the newest snapshots are forgotten and pruned,
 * while two devices go on pushing, and at last every byte is read again.
 */
import { appendFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { openLinkEngine } from '@anysync/cli/engines.ts'
import { openSession } from '@anysync/cli/session.ts'
import { folderOf } from '@anysync/client/path.ts'
import { Dice } from '../test/support/dice.ts'
import { logIn, newDevice, type TestDevice } from '../test/support/device.ts'
import { vaultName, type Household } from '../test/support/household.ts'
import { assertDone } from '../test/support/programs.ts'
import { makeScratch } from '../test/support/scratch.ts'
import { startDaemons } from './daemons.ts'
import { growingHousehold } from './growing-household.ts'
import { costSeconds, measured, type Measured } from './measured.ts'
import type { BenchOptions } from './options.ts'
import { percentile, type Findings, type Row } from './table.ts'
import { filePath } from './trees.ts'

/** The file that is asked for: edited this often, so that it has many versions. */
const favourite = filePath(0)
const favouriteEvery = 100
const keptSnapshots = 100
const editMs = 100
const longMsMax = 3600_000

/** A snapshot, and how large the favourite was in it. */
type Moment = { sequence: number; bytes: number }

export const history = async (options: BenchOptions): Promise<Findings> => {
  const { files, snapshots, seed, runs, say } = options
  using scratch = makeScratch('bench-history')
  await using growing = await growingHousehold(scratch, seed, say)
  const { desk, deskFolder, laptop, laptopFolder } = growing.house
  await growing.grow(files)
  const moments = await makeHistory(desk, deskFolder, options)
  const rows: Row[] = []
  const ask = async (what: string, times: number, wordsOf: (run: number) => string[]): Promise<void> => {
    const costs: Measured[] = []
    for (let run = 0; run < times; run++) costs.push(await timed(desk, wordsOf(run)))
    rows.push(rowOf(what, costs))
    say(`${what}: ${costs.map(costSeconds).join('; ')}`)
  }
  const inVault = ['--vault', vaultName]
  const folder = folderOf(filePath(Math.floor(files / 2)))
  await ask('snapshots', runs, () => ['snapshots', ...inVault])
  await ask('snapshots, every one', runs, () => ['snapshots', '--all', ...inVault])
  await ask('snapshots of a file', runs, () => ['snapshots', favourite, ...inVault])
  await ask('versions of a file', runs, () => ['versions', favourite, ...inVault])
  const momentOf = (run: number): Moment => {
    const moment = moments[Math.floor(((run + 1) * moments.length) / (runs + 2))]
    if (moment === undefined) throw new Error('there are more runs than snapshots')
    return moment
  }
  await ask('a folder as it was', runs, (run) => ['ls', folder, '--at', `${momentOf(run).sequence}`, ...inVault])
  const to = scratch.folder('restored')
  await ask('one file of any time', runs, (run) => {
    const { sequence } = momentOf(run)
    return ['restore', favourite, '--at', `${sequence}`, '--to', join(to, `${sequence}`), ...inVault]
  })
  for (let run = 0; run < runs; run++) checkRestored(join(to, `${momentOf(run).sequence}`), momentOf(run))

  await laptop.done(['add', laptopFolder, ...inVault])
  rows.push(rowOf('a new device gets all of it', [await timed(laptop, ['sync'])]))
  const phone = newDevice(scratch, 'phone')
  assertDone(await logIn(phone, growing.house.link, growing.house.person))
  rows.push(...(await pruneBesidePushes(growing.house, phone, options)))
  const verified = await timed(phone, ['verify', '--data', 'all', ...inVault])
  rows.push(rowOf('verify, every byte', [verified]))
  return {
    bench: 'history',
    settings: { files, snapshots, seed, runs },
    rows,
    remarks: [
      'Whole commands, from their start to their end, with the server on this machine and no daemon.',
      `Forget and prune leave ${keptSnapshots} snapshots and those that two daemons push meanwhile, an edit every ${editMs} ms each.`,
    ],
  }
}

/** One snapshot an edit, pushed by the engine itself: what a daemon does, without its waiting for quiet. */
const makeHistory = async (desk: TestDevice, root: string, options: BenchOptions): Promise<Moment[]> => {
  const { files, snapshots, seed, say } = options
  const dice = new Dice(`history ${seed}`)
  await using session = await openSession({ home: desk.home }, true)
  const [link] = session.state.links()
  if (link === undefined) throw new Error('the desk has no folder')
  const { engine } = await openLinkEngine(session, link)
  await engine.turn()
  const moments: Moment[] = []
  const startedMs = performance.now()
  for (let index = 0; index < snapshots; index++) {
    const path = index % favouriteEvery === 0 ? favourite : filePath(1 + dice.below(files - 1))
    appendFileSync(join(root, path), `edit ${index}\n`)
    const { sequence, isSettled } = await engine.turn(new Set([folderOf(path)]))
    if (!isSettled) throw new Error(`the turn of edit ${index} did not settle`)
    moments.push({ sequence, bytes: statSync(join(root, favourite)).size })
    if ((index + 1) % 1000 === 0)
      say(`${index + 1} snapshots in ${Math.round((performance.now() - startedMs) / 1000)} s`)
  }
  return moments
}

const timed = async (device: TestDevice, words: string[]): Promise<Measured> => {
  const running = device.start(words, { timeoutMs: longMsMax })
  const cost = await measured(running)
  assertDone(await running.result)
  return cost
}

const rowOf = (what: string, costs: Measured[]): Row => ({
  what,
  runs: costs.length,
  'p50 s': percentile(
    costs.map(({ ms }) => ms / 1000),
    0.5,
  ),
  'max s': Math.max(...costs.map(({ ms }) => ms / 1000)),
  'CPU p50 s': percentile(
    costs.map(({ cpuMs }) => cpuMs / 1000),
    0.5,
  ),
  'peak MB': Math.round(Math.max(...costs.map(({ rssPeakBytes }) => rssPeakBytes)) / 1e6),
})

const checkRestored = (folder: string, { sequence, bytes }: Moment): void => {
  const found = statSync(join(folder, favourite)).size
  if (found !== bytes) throw new Error(`the file of snapshot ${sequence} has ${found} bytes, not ${bytes}`)
}

/** A third device forgets and prunes while the daemons of two others push edits. */
const pruneBesidePushes = async (house: Household, phone: TestDevice, { say }: BenchOptions): Promise<Row[]> => {
  await using _daemons = await startDaemons(house, longMsMax)
  let edits = 0
  const editing = setInterval(() => {
    edits += 1
    for (const [index, folder] of [house.deskFolder, house.laptopFolder].entries())
      appendFileSync(join(folder, filePath(1 + 2 * (edits % 50) + index)), `beside ${edits}\n`)
  }, editMs)
  try {
    const inVault = ['--vault', vaultName]
    const forgotten = await timed(phone, ['forget', '--keep-last', `${keptSnapshots}`, ...inVault])
    say(`forgot: ${costSeconds(forgotten)}`)
    const pruned = await timed(phone, ['prune', ...inVault])
    say(`pruned: ${costSeconds(pruned)}, beside ${2 * edits} edits`)
    return [rowOf('forget, while others push', [forgotten]), rowOf('prune, while others push', [pruned])]
  } finally {
    clearInterval(editing)
  }
}
