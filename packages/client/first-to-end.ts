/**
 * Several things at once, of which the first to end decides: what is waited for and how long, who listens and who
 * watches the listener.
 */

/** What the first of them resolves or rejects with. The others are aborted, and have ended when this ends. */
export const firstToEnd = async <Result>(
  signal: AbortSignal,
  works: readonly ((signal: AbortSignal) => Promise<Result>)[],
): Promise<Result> => {
  const over = new AbortController()
  const both = AbortSignal.any([signal, over.signal])
  const running = works.map((work) => work(both))
  try {
    return await Promise.race(running)
  } finally {
    over.abort()
    await Promise.allSettled(running)
  }
}
