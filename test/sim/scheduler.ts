/**
 * Lets several turns run at the same time on one thread, and decides whose call goes next. A call may be parked; when
 * everything that runs has come to a parked call, dice choose which one goes on. No real time passes: a `nextTick` comes
 * when all promises that could go on have gone on, so no call costs more than that.
 */
import { nextTick } from 'node:process'
import { diceOf, type Dice } from './dice.ts'

/** Whoever makes calls. */
export type Runner = { isSlow: boolean; isDead: boolean }

type Parked = { runner: Runner; go: () => void }

/** A thing that runs to its end, and whether it has. */
export type Task = { isDone: boolean }

export class Scheduler {
  #dice: Dice = diceOf(0)
  #parkOneIn = 0
  #parked: Parked[] = []

  /** Undefined: the call goes on at once. */
  park(runner: Runner): Promise<void> | undefined {
    if (this.#parkOneIn === 0 || !(runner.isSlow || this.#dice.oneIn(this.#parkOneIn))) return undefined
    return new Promise((go) => this.#parked.push({ runner, go }))
  }

  /** Until all tasks are done. `between` comes before each call that goes on. */
  async run(tasks: readonly Task[], { seed, parkOneIn }: { seed: number; parkOneIn: number }, between: () => void) {
    this.#dice = diceOf(seed)
    this.#parkOneIn = parkOneIn
    for (;;) {
      await allStill()
      if (tasks.every(({ isDone }) => isDone)) break
      between()
      const next = this.#next()
      if (next === null) throw new Error('a turn neither ends nor waits for anything')
      next.go()
    }
    this.#parkOneIn = 0
    // What a turn that failed has left on its way goes on; what the dead have left goes nowhere.
    const left = this.#parked.filter(({ runner }) => !runner.isDead)
    this.#parked = []
    for (const { go } of left) go()
    await allStill()
  }

  #next(): Parked | null {
    this.#parked = this.#parked.filter(({ runner }) => !runner.isDead)
    const quick = this.#parked.filter(({ runner }) => !runner.isSlow)
    const from = quick.length > 0 && !this.#dice.oneIn(20) ? quick : this.#parked
    if (from.length === 0) return null
    const chosen = this.#dice.pick(from)
    this.#parked.splice(this.#parked.indexOf(chosen), 1)
    return chosen
  }
}

/** Node takes ticks only when no promise is left that can go on. */
const allStill = (): Promise<void> => new Promise((resolve) => nextTick(resolve))
