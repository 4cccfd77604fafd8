/**
 * First push, a push after nothing or little changed, and the way back into an empty folder: for us and for each program
 * that is installed, in turn within each round, so that a machine that is busy is busy for all of them. What comes back
 * is compared byte by byte.
 */
import { execFileSync } from 'node:child_process'
import { renameSync } from 'node:fs'
import { freemem } from 'node:os'
import { join } from 'node:path'
import { makeScratch, type Scratch } from '../test/support/scratch.ts'
import { anysyncKeeper } from './anysync-keeper.ts'
import { insertInto, makeLargeFile, makeTree } from './corpora.ts'
import type { Keeper, KeeperMaker, Step } from './keeper.ts'
import type { BenchOptions } from './options.ts'
import { bareKeeper, otherKeepers } from './other-keepers.ts'
import { demandSame } from './same.ts'
import { percentile, type Findings, type Row } from './table.ts'

type StepName = 'first push' | 'unchanged' | 'edited' | 'restore'
type Sample = Step & { storedBytes: number }

/** Takes a keeper through its steps. */
type Job = (keeper: Keeper, note: (name: StepName, step: Step) => void) => Promise<void>

/** What becomes of a folder that nobody needs any more. */
type Leave = (scratch: Disposable) => void

export const tree = async (options: BenchOptions): Promise<Findings> => {
  using scratch = makeScratch('bench-tree')
  // ext4 without a journal passes over each inode that was freed in the last minute: whoever makes files right after many
  // were removed pays for that. So nothing is removed before the end.
  using left = new DisposableStack()
  const leave: Leave = (folder) => void left.use(folder)
  const source = scratch.folder('source')
  const bytes = makeTree(source, options.files, options.seed)
  const settings = { files: options.files, MB: Math.round(bytes / 1e6), seed: options.seed, runs: options.runs }
  const rows = await compare(source, options, leave, async (keeper, note) => {
    note('first push', await keeper.push())
    // What was quite new is read once more: that is not what is measured.
    await keeper.push()
    note('unchanged', await keeper.push())
    note('restore', await restored(source, keeper, leave))
  })
  return { bench: 'tree', settings, rows, remarks }
}

const inserts = 20

/** For few files that are large. */
const removeNow: Leave = (folder) => folder[Symbol.dispose]()

export const file = async (options: BenchOptions): Promise<Findings> => {
  using scratch = makeScratch('bench-file')
  const source = scratch.folder('source')
  const [large, edited, before] = [join(source, 'large'), join(scratch.path, 'edited'), join(scratch.path, 'before')]
  const bytes = options.megabytes * 1024 * 1024
  makeLargeFile(edited, bytes, options.seed)
  insertInto(edited, inserts, options.seed)
  makeLargeFile(large, bytes, options.seed)
  const settings = { MB: Math.round(bytes / 1e6), inserts, seed: options.seed, runs: options.runs }
  const rows = await compare(source, options, removeNow, async (keeper, note) => {
    note('first push', await keeper.push())
    renameSync(large, before)
    renameSync(edited, large)
    try {
      note('edited', await keeper.push())
      note('restore', await restored(source, keeper, removeNow))
    } finally {
      renameSync(large, edited)
      renameSync(before, large)
    }
  })
  return { bench: 'file', settings, rows, remarks }
}

const remarks = [
  'Medians of whole processes. Ratio: our time to that of the fastest other program; less than 1 is faster.',
  'AnySync goes through a TLS server on this machine that flushes what it stores; the others write to a local folder.',
  'Stored: what the step added to the store.',
  'The bare work: files read, hashed, compressed, sealed and flushed in threads of Node.js, and the way back, by plain calls alone.',
]

const restored = async (source: string, keeper: Keeper, leave: Leave): Promise<Step> => {
  const to = makeScratch('restored')
  try {
    const step = await keeper.restore(to.path)
    demandSame(source, to.path)
    return step
  } finally {
    leave(to)
  }
}

const compare = async (source: string, options: BenchOptions, leave: Leave, job: Job): Promise<Row[]> => {
  const makers = [anysyncKeeper, ...(options.isAlone ? [] : [bareKeeper, ...otherKeepers()])]
  const samples = new Map<StepName, Map<string, Sample[]>>()
  for (let run = 0; run < options.runs; run++) {
    // Another one begins each time, so that none always comes after the same.
    for (const maker of [...makers.slice(run % makers.length), ...makers.slice(0, run % makers.length)]) {
      const own = makeScratch(`keeper-${maker.name.replaceAll(/\W/g, '-')}`)
      const took = keepOnce(maker, own, source, job, (name, sample) => {
        const byProgram = samples.get(name) ?? new Map<string, Sample[]>()
        samples.set(name, byProgram.set(maker.name, [...(byProgram.get(maker.name) ?? []), sample]))
        options.say(`round ${run + 1}, ${maker.name}, ${name}: ${(sample.ms / 1000).toFixed(2)} s`)
      })
      await took.finally(() => leave(own))
    }
  }
  return [...samples].flatMap(([name, byProgram]) => rowsOf(name, byProgram))
}

const keepOnce = async (
  maker: KeeperMaker,
  own: Scratch,
  source: string,
  job: Job,
  note: (name: StepName, sample: Sample) => void,
): Promise<void> => {
  await using opened = await maker.open(own, source)
  const keeper = onEvenGround(opened)
  let storedBefore = keeper.storedBytes()
  await job(keeper, (name, step) => {
    const stored = keeper.storedBytes()
    note(name, { ...step, storedBytes: stored - storedBefore })
    storedBefore = stored
  })
}

/**
 * Every step begins alike, whoever came before. What others left in memory is flushed: only we wait for the disk, and would
 * wait for their bytes as well. And memory is touched: a virtual machine may give what was freed back to its host, and then
 * whoever needs it next waits for that, up to a second for a GiB, unless large files were removed the moment before.
 */
const onEvenGround = (keeper: Keeper): Keeper => ({
  push: () => onceEven(() => keeper.push()),
  restore: (to) => onceEven(() => keeper.restore(to)),
  storedBytes: () => keeper.storedBytes(),
  [Symbol.asyncDispose]: () => keeper[Symbol.asyncDispose](),
})

/** About what a step needs, with the pages of its files. */
const touchedBytesMax = 2 ** 31

const onceEven = <Answer>(step: () => Answer): Answer => {
  if (process.platform !== 'win32') execFileSync('sync')
  const touchedBytes = Math.min(touchedBytesMax, Math.floor(freemem() / 2))
  execFileSync(process.execPath, ['--eval', `Buffer.alloc(${touchedBytes}, 1)`])
  return step()
}

const rowsOf = (name: StepName, byProgram: ReadonlyMap<string, Sample[]>): Row[] => {
  const medianOf = (program: string, of: (sample: Sample) => number): number =>
    percentile((byProgram.get(program) ?? []).map(of), 0.5)
  const others = [...byProgram.keys()].filter((program) => ![anysyncKeeper.name, bareKeeper.name].includes(program))
  const fastestMs = Math.min(...others.map((program) => medianOf(program, ({ ms }) => ms)))
  return [...byProgram.keys()].map((program) => {
    const isOurs = program === anysyncKeeper.name
    const megabytes = (of: (sample: Sample) => number): number => medianOf(program, of) / 1e6
    const ms = medianOf(program, (sample) => sample.ms)
    return {
      step: name,
      program,
      s: round(ms / 1000),
      ratio: isOurs && others.length > 0 ? round(ms / fastestMs) : null,
      'CPU s': round(medianOf(program, ({ cpuMs }) => cpuMs) / 1000),
      'server CPU s': isOurs ? round(medianOf(program, ({ server }) => server?.cpuMs ?? 0) / 1000) : null,
      'peak MB': Math.round(megabytes(({ rssPeakBytes }) => rssPeakBytes)),
      'server peak MB': isOurs ? Math.round(megabytes(({ server }) => server?.rssPeakBytes ?? 0)) : null,
      'stored MB': Math.round(megabytes(({ storedBytes }) => storedBytes) * 10) / 10,
    }
  })
}

/** Written out, for a table shows one place of a number. */
const round = (value: number): string => value.toFixed(2)
