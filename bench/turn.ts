/**
 * One changed file: from the save to the accepted record, with a running daemon, in trees of several sizes. It must
 * cost the same in all of them.
 */
import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { Dice } from '../test/support/dice.ts'
import { described } from '../test/support/programs.ts'
import { makeScratch } from '../test/support/scratch.ts'
import { acceptedRecords } from './accepted.ts'
import { growingHousehold, turnOf } from './growing-household.ts'
import { costSeconds } from './measured.ts'
import type { BenchOptions } from './options.ts'
import { costOf } from './process-cost.ts'
import { percentile, type Findings, type Row } from './table.ts'
import { filePath } from './trees.ts'

/** A first turn of a million files takes long; one after a change must not. */
const firstTurnMsMax = 30 * 60_000
const acceptedMsMax = 10 * 60_000
/** The daemon is at rest when it used less than a twentieth of a core for so long. */
const restMs = 1_000
const restCpuMs = 50

export const turn = async ({ sizes, seed, runs, say }: BenchOptions): Promise<Findings> => {
  using scratch = makeScratch('bench-turn')
  await using growing = await growingHousehold(scratch, seed, say)
  const { server, desk, deskFolder } = growing.house
  const dice = new Dice(`turn ${seed}`)
  const rows: Row[] = []
  for (const files of sizes) {
    const { files: added, push } = await growing.grow(files)
    // Files that were quite new are read once more: not in what is measured.
    await turnOf(growing.house)
    const scan = await turnOf(growing.house)
    say(`a turn that finds nothing: ${costSeconds(scan)}`)
    const startedMs = performance.now()
    const daemon = desk.start(['start', '--foreground', '--json'], { timeoutMs: 12 * 3600_000 })
    const late = setTimeout(() => daemon.kill('SIGKILL'), firstTurnMsMax)
    await daemon.line(/"event":"turn"/)
    clearTimeout(late)
    const firstTurnMs = performance.now() - startedMs
    await rest(daemon.pid)
    using records = acceptedRecords(server)
    const latencies: number[] = []
    const cpuMs: number[] = []
    for (let run = 0; run < runs; run++) {
      const before = { newest: records.newest(), cpuMs: costOf(daemon.pid)?.cpuMs ?? 0 }
      appendFileSync(join(deskFolder, filePath(dice.below(files))), `run ${run}\n`)
      const savedMs = performance.now()
      latencies.push((await records.after(before.newest, acceptedMsMax)) - savedMs)
      await rest(daemon.pid)
      cpuMs.push((costOf(daemon.pid)?.cpuMs ?? 0) - before.cpuMs)
      say(`${files} files: accepted after ${Math.round(latencies.at(-1) ?? 0)} ms, ${cpuMs.at(-1)} ms of CPU`)
    }
    const peak = costOf(daemon.pid)?.rssPeakBytes ?? 0
    daemon.kill('SIGTERM')
    const ended = await daemon.result
    if (ended.exitCode !== 0) throw new Error(described(ended))
    rows.push({
      files,
      edits: runs,
      'accepted p50 ms': Math.round(percentile(latencies, 0.5)),
      'max ms': Math.round(Math.max(...latencies)),
      'CPU p50 ms': percentile(cpuMs, 0.5),
      'full scan s': scan.ms / 1000,
      'its peak MB': Math.round(scan.rssPeakBytes / 1e6),
      'push files/s': Math.round(added / (push.ms / 1000)),
      'push peak MB': Math.round(push.rssPeakBytes / 1e6),
      'first turn s': firstTurnMs / 1000,
      'daemon peak MB': Math.round(peak / 1e6),
    })
  }
  return {
    bench: 'turn',
    settings: { sizes: sizes.join(' '), seed, runs },
    rows,
    remarks: [
      'From the save of one file until the record is in the server’s database, the short quiet that the daemon waits for included.',
      'CPU: of the daemon, from the save until it is at rest again. First turn: from the start of the program.',
    ],
  }
}

/** Waits until a process has nothing to do. */
const rest = async (pid: number): Promise<void> => {
  for (let before = costOf(pid)?.cpuMs; before !== undefined;) {
    await wait(restMs)
    const now = costOf(pid)?.cpuMs
    if (now === undefined || now - before < restCpuMs) return
    before = now
  }
}
