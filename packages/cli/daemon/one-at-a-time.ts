/**
 * An engine that two may ask: who follows the folder, and a person who wants a turn now. One turn at a time, in the
 * order in which they were asked for.
 */
import type { Engine } from '@anysync/client/sync/engine.ts'

export type SharedEngine = Engine & {
  /** Whether a turn runs at this moment. */
  isTurning(): boolean
  /** Resolves when nothing runs and nobody waits. */
  idle(): Promise<void>
}

export const oneAtATime = (engine: Engine): SharedEngine => {
  let last: Promise<unknown> = Promise.resolve()
  let running = 0
  const after = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    const before = last
    const { promise, resolve } = Promise.withResolvers<void>()
    last = promise
    await before
    running += 1
    try {
      return await work()
    } finally {
      running -= 1
      resolve()
    }
  }
  return {
    ...engine,
    turn: (scope) => after(() => engine.turn(scope)),
    preview: () => after(() => engine.preview()),
    isTurning: () => running > 0,
    idle: async () => {
      for (let seen: unknown = null; seen !== last;) {
        seen = last
        await last
      }
    },
  }
}
