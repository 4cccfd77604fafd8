/**
 * The threads of this process, as many as it has cores. They start when there is enough to do, and keep no process
 * alive. Keys reach them by messages within the process only.
 */
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { threadsMax, threadWorthBytes } from '@anysync/protocol/limits.ts'
import { fromPlain, type PlainTrouble } from './plain-trouble.ts'
import { programFile } from './program-file.ts'
import type { ThreadWork, ThreadWorkName } from './thread-work.ts'

export type Question = { id: number; name: ThreadWorkName; args: unknown[] }
export type Answer =
  { id: number; value: unknown } | { id: number; trouble: PlainTrouble } | { id: number; bug: string }

type Result<Name extends ThreadWorkName> = Awaited<ReturnType<ThreadWork[Name]>>

export interface Threads extends AsyncDisposable {
  readonly count: number
  /** Whether so many bytes of work are for threads: the first few are done faster than a thread starts. */
  areWorth(bytes: number): boolean
  /** So many bytes of work are to come: threads that are worth it start now, and not when they are waited for. */
  prepare(bytes: number): void
  /** Asks the thread that has least to do. Moved buffers are the caller's no longer. Rejects with what the work throws. */
  run<Name extends ThreadWorkName>(
    name: Name,
    args: Parameters<ThreadWork[Name]>,
    moved?: ArrayBuffer[],
  ): Promise<Result<Name>>
  /** Asks every thread, those that start later as well, before anything that is asked after this. */
  tell<Name extends ThreadWorkName>(name: Name, args: Parameters<ThreadWork[Name]>): void
}

type Waiting = { resolve: (value: unknown) => void; reject: (error: unknown) => void }

export type ThreadsOptions = { count?: number; worthBytes?: number }

/** Starts nothing yet. */
export const createThreads = ({
  count = Math.min(availableParallelism(), threadsMax),
  worthBytes = threadWorthBytes,
}: ThreadsOptions = {}): Threads => {
  const told: Omit<Question, 'id'>[] = []
  let threads: Thread[] = []
  let bytesAsked = 0
  let isClosed = false

  const start = (): Thread[] => {
    if (isClosed) throw new Error('the threads were closed')
    if (threads.length === 0) {
      threads = Array.from({ length: count }, () => startThread())
      for (const thread of threads) for (const { name, args } of told) thread.tell(name, args)
    }
    return threads
  }

  return {
    count,
    areWorth(bytes) {
      bytesAsked += bytes
      return bytesAsked > worthBytes
    },
    prepare(bytes) {
      // Little is counted when it is asked for.
      if (bytesAsked + bytes <= worthBytes) return
      bytesAsked += bytes
      start()
    },
    run: async <Name extends ThreadWorkName>(
      name: Name,
      args: Parameters<ThreadWork[Name]>,
      moved: ArrayBuffer[] = [],
    ): Promise<Result<Name>> => {
      const [first, ...others] = start()
      if (first === undefined) throw new Error('there are no threads')
      const idlest = others.reduce((best, one) => (one.waiting() < best.waiting() ? one : best), first)
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the answer to a question has its type
      return (await idlest.run(name, args, moved)) as Result<Name>
    },
    tell(name, args) {
      told.push({ name, args })
      for (const thread of threads) thread.tell(name, args)
    },
    async [Symbol.asyncDispose]() {
      isClosed = true
      await Promise.all(threads.map((thread) => thread.close()))
    },
  }
}

type Thread = {
  /** How many questions it has not answered. */
  waiting(): number
  run(name: ThreadWorkName, args: unknown[], moved: ArrayBuffer[]): Promise<unknown>
  tell(name: ThreadWorkName, args: unknown[]): void
  close(): Promise<unknown>
}

const startThread = (): Thread => {
  const worker = new Worker(programFile('thread'), {
    env: {},
    name: 'anysync',
    resourceLimits: { maxYoungGenerationSizeMb: 8 },
  })
  worker.unref()
  const waiting = new Map<number, Waiting>()
  let nextId = 0
  let ended: Error | null = null

  const end = (error: Error): void => {
    ended ??= error
    for (const { reject } of waiting.values()) reject(ended)
    waiting.clear()
    worker.unref()
  }
  const answered = (id: number): Waiting | undefined => {
    const asked = waiting.get(id)
    waiting.delete(id)
    // Who waits for an answer keeps the process alive, an idle thread does not.
    if (waiting.size === 0) worker.unref()
    return asked
  }
  worker.on('message', (answer: Answer) => {
    const asked = answered(answer.id)
    if ('value' in answer) asked?.resolve(answer.value)
    else if ('trouble' in answer) asked?.reject(fromPlain(answer.trouble))
    else asked?.reject(new Error(`a thread failed: ${answer.bug}`))
  })
  worker.on('error', (error) => end(new Error('a thread died', { cause: error })))
  worker.on('exit', () => end(new Error('a thread ended')))

  const run = (name: ThreadWorkName, args: unknown[], moved: ArrayBuffer[]): Promise<unknown> => {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    if (ended !== null) {
      reject(ended)
      return promise
    }
    if (waiting.size === 0) worker.ref()
    const id = nextId++
    waiting.set(id, { resolve, reject })
    worker.postMessage({ id, name, args } satisfies Question, moved)
    return promise
  }
  return {
    waiting: () => waiting.size,
    run,
    tell(name, args) {
      // What it could not take in shows when it is asked for more.
      run(name, args, []).catch((error: unknown) => end(new Error('a thread could not be told', { cause: error })))
    },
    close: () => worker.terminate(),
  }
}
