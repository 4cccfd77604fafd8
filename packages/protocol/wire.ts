/**
 * How a kind of trouble travels in an RPC: one Connect code each, both ways. Messages of unknown codes
 * are trouble of the transport, so they count as `unavailable`.
 */
import { Code, ConnectError } from '@connectrpc/connect'
import { isKind, SyncError, type Kind } from './errors.ts'

const codesByKind: Record<Kind, Code> = {
  invalid: Code.InvalidArgument,
  unauthorized: Code.Unauthenticated,
  missing: Code.NotFound,
  conflict: Code.Aborted,
  full: Code.ResourceExhausted,
  corrupt: Code.DataLoss,
  unavailable: Code.Unavailable,
}

const kindsByCode = new Map<Code, Kind>()
for (const [kind, code] of Object.entries(codesByKind)) if (isKind(kind)) kindsByCode.set(code, kind)

/** What the server throws to the wire. */
export const toConnectError = (error: SyncError): ConnectError =>
  new ConnectError(error.message, codesByKind[error.kind])

/** What the client makes of an answer that failed. */
export const fromConnectError = (operation: string, error: unknown): SyncError => {
  if (error instanceof SyncError) return error
  const trouble = ConnectError.from(error)
  return new SyncError(operation, kindsByCode.get(trouble.code) ?? 'unavailable', trouble.rawMessage, error)
}
