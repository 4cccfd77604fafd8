/**
 * A daemon from its start to its end: takes the account, listens, keeps every linked folder in step until it is told
 * to stop, and then lets the running turns finish. What is not finished in time is given up, which is safe: the order
 * of writes makes of it what a crash would. [Note: order of writes]
 */
import { statSync } from 'node:fs'
import { daemonDrainMsMax, daemonHomeMs } from '@anysync/protocol/limits.ts'
import type { AccountHome } from '../homes.ts'
import type { CommonOptions } from '../local.ts'
import { openSession } from '../session.ts'
import { Daemon } from './daemon.ts'
import { listen, type Listener } from './listen.ts'
import { removePlace, socketPath, writePlace } from './place.ts'
import type { Voice } from './voice.ts'

const signals = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const

/** Throws what keeps it from starting, and what is a bug. Ends the process when a turn does not end in time. */
export const runDaemon = async (options: CommonOptions, voice: Voice): Promise<void> => {
  const { promise: stopped, resolve: stop, reject: fail } = Promise.withResolvers<string>()
  // Heard from the beginning, so that a stop during the start is not lost. A second one ends the process at once.
  for (const signal of signals) process.once(signal, () => stop('stopped'))
  let listener: Listener | null = null
  try {
    await using session = await openSession(options, true)
    const { account, state } = session
    using _watch = watchHome(account, () => stop('stopped: its home was moved or removed'))
    const daemon = new Daemon({ session, voice, onStop: () => stop('stopped'), onBug: fail })
    const socket = socketPath(account, process.env)
    listener = await listen(socket, daemon.respond, fail)
    writePlace(account, { pid: process.pid, socket })
    voice.ready(state.links())
    if (daemon.isPaused) voice.note('paused: `anysync resume` goes on')
    const ending = await stopped
    // Whoever comes from now on finds no daemon. The account is held until the last turn has ended.
    leave(account, listener)
    if (!(await isDoneWithin(daemon.stop(), daemonDrainMsMax))) {
      voice.note('stopped in the middle of a turn: the next start goes on from there')
      process.exit(0)
    }
    voice.note(ending)
  } finally {
    // Last, when the account is free: who asked for the end waits for this.
    listener?.hangUp()
  }
}

const leave = (account: AccountHome, listener: Listener): void => {
  listener.close()
  if (isThere(account)) removePlace(account)
}

const isDoneWithin = async (work: Promise<void>, ms: number): Promise<boolean> => {
  const { promise: late, resolve } = Promise.withResolvers<false>()
  const timer = setTimeout(() => resolve(false), ms)
  try {
    return await Promise.race([work.then(() => true), late])
  } finally {
    clearTimeout(timer)
  }
}

/** In a home that was moved away another daemon could start, and two would work on one folder. */
const watchHome = (account: AccountHome, onGone: () => void): Disposable => {
  const { ino } = statSync(account.lockFile)
  const timer = setInterval(() => {
    if (statSync(account.lockFile, { throwIfNoEntry: false })?.ino !== ino) onGone()
  }, daemonHomeMs)
  return { [Symbol.dispose]: () => clearInterval(timer) }
}

const isThere = ({ folder }: AccountHome): boolean => statSync(folder, { throwIfNoEntry: false }) !== undefined
