/**
 * Two devices with daemons and a server, all real processes on loopback.
 */
import { linkBoth, makeHousehold } from '../test/support/household.ts'
import type { Scratch } from '../test/support/scratch.ts'
import { startDaemons } from './daemons.ts'
import type { Pair } from './pair.ts'

const runMsMax = 3 * 3600_000

export const anysyncPair = async (scratch: Scratch): Promise<Pair> => {
  const house = await makeHousehold(scratch, { server: { runMsMax } })
  await linkBoth(house)
  const daemons = await startDaemons(house, runMsMax)
  return {
    name: 'AnySync',
    from: house.deskFolder,
    to: house.laptopFolder,
    [Symbol.asyncDispose]: async () => {
      await daemons[Symbol.asyncDispose]()
      await house[Symbol.asyncDispose]()
    },
  }
}
