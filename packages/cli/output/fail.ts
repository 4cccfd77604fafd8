/**
 * How a command ends: exit codes, and one line on standard error that says what, why and what to do.
 */
import { SyncError, type Kind } from '@anysync/protocol/errors.ts'
import { shown } from './words.ts'

export const exitCodes = {
  done: 0,
  failed: 1,
  usage: 2,
  /** A person must decide first, as before a mass deletion. */
  undecided: 3,
} as const

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

/** A command that cannot be carried out as it was given, though every word of it is known. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** What a person can do about trouble whose message does not say it. */
const adviceByKind: Record<Kind, string> = {
  invalid: '',
  unauthorized: 'sign in again with `anysync login`',
  missing: '',
  conflict: '',
  full: 'free some space and try again',
  corrupt: 'nothing was changed; ask the owner of the server before you go on',
  unavailable: 'try again in a while',
}

export type Failure = { lines: string[]; exitCode: ExitCode }

export const explain = (error: unknown): Failure => {
  if (error instanceof SyncError) return { lines: [sentence(error)], exitCode: exitCodes.failed }
  if (error instanceof UsageError) return { lines: [shown(error.message)], exitCode: exitCodes.usage }
  // A bug: its trace is what whoever mends it needs.
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return { lines: ['this is a bug in AnySync; please report it with what follows', text], exitCode: exitCodes.failed }
}

const sentence = ({ message, kind }: SyncError): string => {
  const text = shown(message.replaceAll(/\s*\n\s*/g, ' '))
  const advice = adviceByKind[kind]
  if (advice === '') return text
  // Who is told that a password is wrong is signing in already; and nobody is told twice.
  if (kind === 'unauthorized')
    return /password|log in again|anysync (login|signup)/.test(text) ? text : `${text}; ${advice}`
  // Most messages say what to do after a colon or a semicolon; one without either is given the general advice.
  return /[:;.] \S/.test(text) ? text : `${text}; ${advice}`
}
