/**
 * Two devices with daemons and a server, all real processes on loopback.
 */
import { linkBoth, makeHousehold } from '../test/support/household.ts'
import type { Running } from '../test/support/programs.ts'
import type { Scratch } from '../test/support/scratch.ts'
import type { Pair } from './pair.ts'

const runMsMax = 3 * 3600_000

export const anysyncPair = async (scratch: Scratch): Promise<Pair> => {
  const house = await makeHousehold(scratch, { server: { runMsMax } })
  await linkBoth(house)
  const daemons: Running[] = []
  for (const device of [house.desk, house.laptop]) {
    const daemon = device.start(['start', '--foreground', '--json'], { timeoutMs: runMsMax })
    daemons.push(daemon)
    await daemon.line(/"event":"turn"/)
  }
  return {
    name: 'AnySync',
    from: house.deskFolder,
    to: house.laptopFolder,
    [Symbol.asyncDispose]: async () => {
      for (const daemon of daemons) daemon.kill('SIGTERM')
      for (const daemon of daemons) await daemon.result
      await house[Symbol.asyncDispose]()
    },
  }
}
