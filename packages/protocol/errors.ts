/**
 * Trouble in the world, in a closed list of kinds that both sides of the wire share.
 * A kind says what the caller should do; the message says what happened. A bug is an assert instead.
 */

/** Each kind with the HTTP status that carries it. The list only ever grows. */
export const kinds = {
  invalid: 400, // fix the request
  unauthorized: 401, // sign in again
  missing: 404, // treat as gone
  conflict: 409, // pull, then decide again
  full: 413, // free space or raise the limit
  corrupt: 422, // stop; change nothing; tell the person
  unavailable: 503, // wait, then retry
} as const

export type Kind = keyof typeof kinds

/** Narrows a word from the wire to a kind. */
export const isKind = (word: string): word is Kind => Object.hasOwn(kinds, word)

/**
 * The one error that is thrown on purpose. The message names the thing, what was wanted and what came;
 * never a key, a token or a plaintext name that the reader of the message did not type.
 */
export class SyncError extends Error {
  override readonly name = 'SyncError'
  readonly operation: string
  readonly kind: Kind

  constructor(operation: string, kind: Kind, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.operation = operation
    this.kind = kind
  }
}

/** Whether an error is trouble of this kind. */
export const isTrouble = (error: unknown, kind: Kind): error is SyncError =>
  error instanceof SyncError && error.kind === kind

/** Throws `invalid`, `corrupt` … unless the fact holds. For data from the world; bugs use `assert`. */
export function demand(fact: boolean, operation: string, kind: Kind, message: string): asserts fact {
  if (!fact) throw new SyncError(operation, kind, message)
}

/** Stops the program when a fact that our own code promises does not hold: a bug, never the world's trouble. */
export function assert(fact: boolean, message: string): asserts fact {
  if (!fact) throw new Error(`bug: ${message}`)
}
