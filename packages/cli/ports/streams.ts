/**
 * Patience with a stream of messages: silence has a limit, and leaving the stream ends the call behind it.
 */
import { SyncError } from '@anysync/protocol/errors.ts'

/**
 * The items of a stream that is opened with a signal of its own. Throws `unavailable` when nothing comes for so long;
 * time that the reader takes for an item does not count.
 */
export async function* patiently<Item>(
  operation: string,
  idleMs: number,
  outer: AbortSignal,
  open: (signal: AbortSignal) => AsyncIterable<Item>,
): AsyncGenerator<Item, void, undefined> {
  const own = new AbortController()
  const signal = AbortSignal.any([own.signal, outer])
  const silence = new SyncError(operation, 'unavailable', 'the server fell silent: check the network, then try again')
  const iterator = open(signal)[Symbol.asyncIterator]()
  try {
    for (;;) {
      const timer = setTimeout(() => own.abort(silence), idleMs)
      let next
      try {
        next = await iterator.next()
      } finally {
        clearTimeout(timer)
      }
      if (next.done === true) return
      yield next.value
    }
  } catch (error) {
    throw own.signal.aborted ? silence : error
  } finally {
    own.abort()
  }
}
