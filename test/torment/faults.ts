/**
 * What goes wrong while people work: daemons and the server are killed, stopped for a while, and started again, at
 * random moments. Each fault is whole: when it is over, what it hit runs again.
 */
import { setTimeout as wait } from 'node:timers/promises'
import type { Dice } from '../support/dice.ts'
import type { TestServer } from '../support/server.ts'
import type { Daemon } from './daemon.ts'

export type Fault = { what: string; strike(): Promise<void> }

const downMsMax = 5_000
const frozenMsMax = 6_000

/** Draws one. Whatever hits the server interrupts both daemons. */
export const drawFault = (dice: Dice, daemons: readonly Daemon[], server: TestServer): Fault => {
  const kind = dice.pick(['kill', 'kill', 'freeze', 'freeze', 'restart', 'freeze and kill'] as const)
  const downMs = dice.below(downMsMax)
  const frozenMs = 300 + dice.below(frozenMsMax)
  const daemon = dice.below(3) === 0 ? null : dice.pick(daemons)
  const name = daemon === null ? 'server' : daemon.device.name
  const freezes = kind === 'freeze' || kind === 'freeze and kill'
  const kills = kind !== 'freeze'
  const times = [...(freezes ? [`frozen for ${frozenMs} ms`] : []), ...(kills ? [`down for ${downMs} ms`] : [])]
  const what = `${kind} ${name}, ${times.join(', ')}`

  if (daemon !== null) {
    const strike = async (): Promise<void> => {
      if (freezes) {
        daemon.freeze()
        await wait(frozenMs)
      }
      if (!kills) {
        daemon.thaw()
        return
      }
      await daemon.kill(kind === 'restart' ? 'SIGTERM' : 'SIGKILL')
      await wait(downMs)
      daemon.start()
    }
    return { what, strike }
  }
  const interruptAll = () => {
    for (const one of daemons) one.interrupted()
  }
  const strike = async (): Promise<void> => {
    interruptAll()
    if (freezes) {
      server.signal('SIGSTOP')
      await wait(frozenMs)
    }
    if (kills) {
      await (kind === 'restart' ? server.stop() : server.kill())
      await wait(downMs)
      await server.start()
    } else server.signal('SIGCONT')
    // What a daemon told of meanwhile was of before.
    interruptAll()
  }
  return { what, strike }
}
