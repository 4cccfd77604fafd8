/**
 * Lets so many through at a time: the bound on packs and ranges that are under way at once.
 */

export type Gate = {
  /** Resolves when there is room, and takes it. Each `enter` is followed by one `leave`. */
  enter(): Promise<void>
  leave(): void
}

export const createGate = (max: number): Gate => {
  let inside = 0
  const waiting: (() => void)[] = []
  return {
    async enter() {
      if (inside < max) inside++
      else await new Promise<void>((resolve) => waiting.push(resolve))
    },
    leave() {
      // The room goes straight to the one that has waited for longest.
      const next = waiting.shift()
      if (next) next()
      else inside--
    },
  }
}
