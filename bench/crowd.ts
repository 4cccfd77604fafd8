/**
 * Many devices push at the same time: what the server needs at rest, and at most while they do.
 */
import { vaultName } from '../test/support/household.ts'
import { ann, logIn, newDevice, signUp } from '../test/support/device.ts'
import { assertDone } from '../test/support/programs.ts'
import { makeScratch } from '../test/support/scratch.ts'
import { startServer } from '../test/support/server.ts'
import { makeTree } from './corpora.ts'
import type { BenchOptions } from './options.ts'
import { costOf } from './process-cost.ts'
import type { Findings } from './table.ts'

const devices = 20
const pushMsMax = 30 * 60_000
/** Of the files of the option: each device pushes its share. */
const shareOf = (files: number): number => Math.max(1, Math.floor(files / devices))

export const crowd = async ({ files, seed, say }: BenchOptions): Promise<Findings> => {
  using scratch = makeScratch('bench-crowd')
  await using server = await startServer(scratch, { runMsMax: 2 * pushMsMax })
  const link = await server.invite()
  const crowded = Array.from({ length: devices }, (_, index) => newDevice(scratch, `device-${index}`))
  const [first, ...others] = crowded
  if (first === undefined) throw new Error('there are no devices')
  assertDone(await signUp(first, link, ann))
  for (const device of others) assertDone(await logIn(device, link, ann))
  for (const [index, device] of crowded.entries()) {
    const folder = scratch.folder(`folder-${index}`)
    makeTree(folder, shareOf(files), `${seed} ${index}`)
    await device.done(['add', folder, '--vault', `${vaultName}-${index}`, '--create'])
  }
  const rest = costOf(server.pid())
  say(`${devices} devices are ready; the server has used ${Math.round((rest?.rssPeakBytes ?? 0) / 1e6)} MB at most`)
  const startedMs = performance.now()
  await Promise.all(crowded.map((device) => device.done(['sync'], { timeoutMs: pushMsMax })))
  const ms = performance.now() - startedMs
  const pushed = costOf(server.pid())
  const row = {
    devices,
    'files each': shareOf(files),
    s: ms / 1000,
    'server CPU s': ((pushed?.cpuMs ?? 0) - (rest?.cpuMs ?? 0)) / 1000,
    'server peak MB before': Math.round((rest?.rssPeakBytes ?? 0) / 1e6),
    'server peak MB': Math.round((pushed?.rssPeakBytes ?? 0) / 1e6),
  }
  return {
    bench: 'crowd',
    settings: { files, seed },
    rows: [row],
    remarks: ['Each device pushes to a vault of its own, all at the same time. Before: after sign-up and log-ins.'],
  }
}
