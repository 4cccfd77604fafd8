/**
 * How a kind of trouble travels in an RPC: as a Connect code that other tools understand, and as a header that says
 * that AnySync said it. Codes alone do not tell: a transport makes the same ones by itself, `Aborted` for a line that
 * broke, and such an error must never be taken for a `conflict`. What comes without the header is `unavailable`.
 */
import { Code, ConnectError } from '@connectrpc/connect'
import { isKind, SyncError, type Kind } from './errors.ts'

const kindHeader = 'anysync-kind'

const codesByKind: Record<Kind, Code> = {
  invalid: Code.InvalidArgument,
  unauthorized: Code.Unauthenticated,
  missing: Code.NotFound,
  conflict: Code.Aborted,
  full: Code.ResourceExhausted,
  corrupt: Code.DataLoss,
  unavailable: Code.Unavailable,
}

/** What the server throws to the wire. */
export const toConnectError = (error: SyncError): ConnectError =>
  new ConnectError(error.message, codesByKind[error.kind], { [kindHeader]: error.kind })

/** The kind that a server of ours gave to an error, null for errors that came from elsewhere. */
export const kindSaid = (error: ConnectError): Kind | null => {
  const kind = error.metadata.get(kindHeader) ?? ''
  return isKind(kind) ? kind : null
}

/** What the client makes of an answer that failed. */
export const fromConnectError = (operation: string, error: unknown): SyncError => {
  if (error instanceof SyncError) return error
  const trouble = ConnectError.from(error)
  return new SyncError(operation, kindSaid(trouble) ?? 'unavailable', trouble.rawMessage, error)
}
