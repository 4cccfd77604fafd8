/**
 * The daemon's ear: takes one question from each connection, lets it be answered, and shows meanwhile that the daemon
 * lives. Whoever sends garbage, too much or nothing is told so and hung up on; nobody is trusted to behave.
 */
import { chmodSync } from 'node:fs'
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { SyncError } from '@anysync/protocol/errors.ts'
import {
  daemonAliveMs,
  daemonConnectionsMax,
  daemonRequestBytesMax,
  daemonSilenceMsMax,
} from '@anysync/protocol/limits.ts'
import type { Progress } from '@anysync/client/sync/report.ts'
import { attemptOn } from '../private-files.ts'
import { lineReader } from './lines.ts'
import { removeSocket } from './place.ts'
import { daemonLine, parseQuestion, type Answers, type Line, type Question } from './wire.ts'

export type Responder = (
  question: Question,
  onProgress: (progress: Progress) => void,
) => Promise<Answers[keyof Answers]>

export type Listener = {
  /** Takes no more questions; what is being answered goes on. */
  close(): void
  /** Hangs up on whoever is still there. */
  hangUp(): void
}

/** Bugs in the responder go to `onBug`; trouble goes to whoever asked. */
export const listen = async (
  socketPath: string,
  respond: Responder,
  onBug: (error: unknown) => void,
): Promise<Listener> => {
  const connections = new Set<Socket>()
  const server = createServer((socket) => {
    connections.add(socket)
    socket.once('close', () => connections.delete(socket))
    serve(socket, respond, onBug)
  })
  server.maxConnections = daemonConnectionsMax
  removeSocket(socketPath)
  // The socket is made within this call, and never open to others, not for a moment.
  const mask = process.umask(0o177)
  try {
    server.listen(socketPath)
  } finally {
    process.umask(mask)
  }
  try {
    await once(server, 'listening')
  } catch (error) {
    throw new SyncError(
      'daemon.listen',
      'unavailable',
      `the daemon cannot listen at ${socketPath}: give AnySync a home on a disk that can hold sockets`,
      error,
    )
  }
  if (process.platform !== 'win32') attemptOn(socketPath, 'protected', () => chmodSync(socketPath, 0o600))
  server.on('error', onBug)
  return {
    close: () => {
      server.close()
      removeSocket(socketPath)
    },
    hangUp: () => {
      for (const socket of connections) socket.destroy()
    },
  }
}

const serve = (socket: Socket, respond: Responder, onBug: (error: unknown) => void): void => {
  let isAsked = false
  const say = (line: Line): void => void (socket.writable && socket.write(daemonLine(line)))
  const refuse = (error: SyncError): void => {
    say(troubleLine(error))
    socket.end()
  }
  // Who asks may go away at any moment; the work goes on without.
  socket.on('error', () => socket.destroy())
  socket.setTimeout(daemonSilenceMsMax, () => {
    if (!isAsked) refuse(new SyncError('daemon.read', 'invalid', 'no question came'))
  })

  const answer = async (question: Question): Promise<void> => {
    const alive = setInterval(() => say({ is: 'alive' }), daemonAliveMs)
    let toldMs = 0
    const onProgress = (progress: Progress): void => {
      // A live line needs no more, and who reads slowly must not make us collect.
      if (performance.now() - toldMs < progressMs || socket.writableNeedDrain) return
      toldMs = performance.now()
      say({ is: 'progress', progress: { ...progress, current: [...(progress.current ?? [])] } })
    }
    try {
      say({ is: 'answer', answer: await respond(question, onProgress) })
    } catch (error) {
      if (!(error instanceof SyncError)) throw error
      say(troubleLine(error))
    } finally {
      clearInterval(alive)
      // Who asked for the end waits on the line until it has come.
      if (question.ask !== 'stop') socket.end()
    }
  }

  const read = lineReader(daemonRequestBytesMax, (line) => {
    // One question a connection: what else comes is not read.
    if (isAsked) return
    const question = parseQuestion(line)
    isAsked = true
    answer(question).catch(onBug)
  })
  socket.on('data', (bytes) => {
    if (isAsked) return
    try {
      read(bytes)
    } catch (error) {
      if (!(error instanceof SyncError)) throw error
      isAsked = true
      refuse(error)
    }
  })
}

const progressMs = 100

const troubleLine = ({ operation, kind, message }: SyncError): Line => ({ is: 'trouble', operation, kind, message })
