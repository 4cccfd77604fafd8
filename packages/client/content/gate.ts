/**
 * Lets so many through at a time: the bound on packs and ranges that are under way at once.
 */

export type Gate = {
  /** Resolves when there is room, and takes it. Each `enter` is followed by one `leave`. */
  enter(): Promise<void>
  leave(): void
}

/** `max` is asked whenever somebody comes or goes, and is at least 1; who is inside stays when it falls. */
export const createGate = (max: () => number): Gate => {
  let inside = 0
  const waiting: (() => void)[] = []

  /** Those that have waited for longest come first. */
  const admit = (): void => {
    while (inside < max()) {
      const next = waiting.shift()
      if (next === undefined) return
      inside++
      next()
    }
  }

  return {
    enter() {
      const { promise, resolve } = Promise.withResolvers<void>()
      waiting.push(resolve)
      admit()
      return promise
    },
    leave() {
      inside--
      admit()
    },
  }
}
