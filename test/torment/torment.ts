/**
 * Two devices with daemons and a server, all real processes, and somebody in a hurry at each device, while whatever can
 * be killed is killed. In the end nothing that was saved is lost, and both folders are alike.
 *
 * The seed decides what is tried and when; what comes of it also depends on the machine, so a seed that failed once may
 * need several runs to fail again.
 */
import { setTimeout as wait } from 'node:timers/promises'
import { Dice } from '../support/dice.ts'
import { linkBoth, makeHousehold, type Household } from '../support/household.ts'
import type { Scratch } from '../support/scratch.ts'
import { createDaemon, type Daemon } from './daemon.ts'
import { createEditor, type Editor } from './editor.ts'
import { drawFault } from './faults.ts'
import { Oracle } from './oracle.ts'
import { judge, type Verdict } from './verdict.ts'

export type TormentOptions = {
  seed: string
  editingMs: number
  /** Of each device, at its fastest. */
  editsPerSecondMax: number
  /** Faults at most; the time may be over before. */
  faultsMax: number
  say: (line: string) => void
}

export type Outcome = Verdict & {
  /** The last lines that each daemon wrote, and what the server wrote. */
  logs: string[]
}

const editsPerSecondMin = 5
/** Each device works at one pace for a while, or rests. */
const phaseMs = { min: 2_000, max: 8_000 }
const restShare = 0.15
/** Half of the time between two faults is long enough for everything to settle. */
const faultPauseMs = { short: 1_000, shortMore: 6_000, long: 12_000, longMore: 12_000 }
const togetherMs = 4_000
const serverLinesKept = 30
/** To come in step, and to read everything back. */
const judgingMsMax = 3600_000

export const torment = async (scratch: Scratch, options: TormentOptions): Promise<Outcome> => {
  const { seed, editingMs, editsPerSecondMax, say } = options
  await using house = await makeHousehold(scratch, { server: { runMsMax: editingMs + judgingMsMax } })
  const { server, desk, laptop, deskFolder, laptopFolder } = house
  await linkBoth(house)
  const oracle = new Oracle()
  const daemons = [desk, laptop].map((device) => {
    // A person who meant it.
    const confirm = () =>
      void device.run(['confirm']).then(
        () => say(`confirmed deletions of the ${device.name}`),
        (error: unknown) => say(`deletions of the ${device.name} could not be confirmed: ${String(error)}`),
      )
    return createDaemon(device, confirm)
  })
  const editors = [
    createEditor('desk', deskFolder, new Dice(`desk ${seed}`), oracle),
    createEditor('laptop', laptopFolder, new Dice(`laptop ${seed}`), oracle),
  ]
  // Also when the torment itself fails, before their folders are removed.
  await using ending = new AsyncDisposableStack()
  for (const daemon of daemons) {
    ending.defer(() => daemon.kill('SIGKILL'))
    daemon.start()
  }

  const over = new AbortController()
  const timer = setTimeout(() => over.abort(), editingMs)
  const { signal } = over
  let edits = 0
  const counted = () => void (edits += 1)
  await Promise.all([
    ...editors.map((editor, index) =>
      work(editor, editsPerSecondMax, new Dice(`pace ${index} ${seed}`), signal, counted),
    ),
    workTogether(editors, new Dice(`together ${seed}`), signal),
    goWrong(house, daemons, options, signal),
  ])
  clearTimeout(timer)
  say(`${edits} edits in ${Math.round(editingMs / 1000)} s; now everything is left alone`)
  const verdict = await judge(house, daemons, oracle)
  const logs = [
    ...daemons.flatMap((daemon) => [`the daemon of the ${daemon.device.name}:`, ...daemon.lastLines()]),
    'the server:',
    ...server.written().trimEnd().split('\n').slice(-serverLinesKept),
  ]
  return { ...verdict, logs }
}

/** Pauses, but not beyond the end. */
const pause = async (ms: number, signal: AbortSignal): Promise<void> => {
  await wait(ms, undefined, { signal }).catch((error: unknown) => {
    if (!signal.aborted) throw error
  })
}

const work = async (
  editor: Editor,
  editsPerSecondMax: number,
  dice: Dice,
  signal: AbortSignal,
  counted: () => void,
): Promise<void> => {
  while (!signal.aborted) {
    const endMs = performance.now() + phaseMs.min + dice.below(phaseMs.max - phaseMs.min)
    if (dice.fraction() < restShare) {
      await pause(endMs - performance.now(), signal)
      continue
    }
    const meanMs = 1000 / (editsPerSecondMin + dice.below(editsPerSecondMax - editsPerSecondMin))
    while (!signal.aborted && performance.now() < endMs) {
      editor.act()
      counted()
      await pause(2 * meanMs * dice.fraction(), signal)
    }
  }
}

/** The same new name on both at one moment: half of the time with the same bytes. */
const workTogether = async (editors: readonly Editor[], dice: Dice, signal: AbortSignal): Promise<void> => {
  for (let count = 0; !signal.aborted; count++) {
    await pause(togetherMs * dice.fraction() * 2, signal)
    const isAlike = dice.below(2) === 0
    const path = `together ${dice.below(20)}`
    for (const index of editors.keys()) {
      const text = `together ${count} of ${dice.seed}${isAlike ? '' : `, by ${index}`}\n`
      editors[index]?.saveAs(path, Buffer.from(text))
    }
  }
}

const goWrong = async (
  { server }: Household,
  daemons: readonly Daemon[],
  { seed, faultsMax, say }: TormentOptions,
  signal: AbortSignal,
): Promise<void> => {
  const dice = new Dice(`faults ${seed}`)
  const { short, shortMore, long, longMore } = faultPauseMs
  for (let count = 0; count < faultsMax; count++) {
    await pause(dice.below(2) === 0 ? short + dice.below(shortMore) : long + dice.below(longMore), signal)
    if (signal.aborted) return
    const fault = drawFault(dice, daemons, server)
    say(fault.what)
    await fault.strike()
  }
}
