/** Runs work on many things, a few at a time, in order of their start. The first failure stops new work and is thrown. */

export const forEachLimited = async <Thing>(
  things: Iterable<Thing>,
  atOnceMax: number,
  work: (thing: Thing) => Promise<void>,
): Promise<void> => {
  const iterator = things[Symbol.iterator]()
  const failures: unknown[] = []
  const worker = async (): Promise<void> => {
    while (failures.length === 0) {
      const next = iterator.next()
      if (next.done === true) return
      try {
        await work(next.value)
      } catch (error) {
        failures.push(error)
      }
    }
  }
  await Promise.all(Array.from({ length: atOnceMax }, worker))
  if (failures.length > 0) throw failures[0]
}
