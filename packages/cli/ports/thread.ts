/**
 * The beginning of a thread: does what it is asked, one thing after the other, and answers.
 */
import { parentPort } from 'node:worker_threads'
import { assert, SyncError } from '@anysync/protocol/errors.ts'
import { toPlain } from './plain-trouble.ts'
import type { Answer, Question } from './threads.ts'
import { movable } from './thread-memory.ts'
import { createThreadWork, type ThreadWork, type ThreadWorkName } from './thread-work.ts'

const port = parentPort
assert(port !== null, 'this runs in a thread')
const work = createThreadWork()

const ask = async (name: ThreadWorkName, args: unknown[]): Promise<unknown> => {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- `Threads.run` has checked what belongs together
  const does = work[name] as (...args: unknown[]) => ReturnType<ThreadWork[ThreadWorkName]>
  return await does(...args)
}

port.on('message', ({ id, name, args }: Question) => {
  ask(name, args).then(
    (value) => port.postMessage({ id, value } satisfies Answer, movable(value)),
    (error: unknown) => {
      if (error instanceof SyncError) port.postMessage({ id, trouble: toPlain(error) } satisfies Answer)
      else port.postMessage({ id, bug: error instanceof Error ? (error.stack ?? error.message) : String(error) })
    },
  )
})
