/**
 * AnySync as a keeper: a real server on loopback that flushes every pack, one device that pushes, and another that gets
 * all of it into an empty folder.
 */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { makeHousehold, reportOf, vaultName } from '../test/support/household.ts'
import { assertDone, documentsOf } from '../test/support/programs.ts'
import type { TestDevice } from '../test/support/device.ts'
import type { Keeper, KeeperMaker, Step } from './keeper.ts'
import { measured } from './measured.ts'
import { costOf } from './process-cost.ts'

const turnMsMax = 600_000
const runMsMax = 3_600_000

export const anysyncKeeper: KeeperMaker = {
  name: 'AnySync',
  open: async (scratch, source): Promise<Keeper> => {
    const house = await makeHousehold(scratch, { server: { runMsMax } })
    await house.desk.done(['add', source, '--vault', vaultName, '--create'])
    const turn = async (device: TestDevice): Promise<Step> => {
      const before = costOf(house.server.pid())
      const running = device.start(['sync', '--json'], { timeoutMs: turnMsMax })
      const cost = await measured(running)
      const [document] = documentsOf(assertDone(await running.result))
      if (!reportOf(document).isSettled) throw new Error('the turn did not settle')
      const after = costOf(house.server.pid())
      const cpuMs = (after?.cpuMs ?? 0) - (before?.cpuMs ?? 0)
      return { ...cost, server: { cpuMs, rssPeakBytes: after?.rssPeakBytes ?? 0 } }
    }
    return {
      push: () => turn(house.desk),
      restore: async (to) => {
        await house.laptop.done(['add', to, '--vault', vaultName])
        const step = await turn(house.laptop)
        rmSync(join(to, '.anysync'), { recursive: true })
        return step
      },
      storedBytes: () => house.server.objectBytes(),
      [Symbol.asyncDispose]: async () => {
        await house[Symbol.asyncDispose]()
        rmSync(join(source, '.anysync'), { recursive: true })
      },
    }
  },
}
