/**
 * How a call is refused before any service sees it, in each of the forms that a caller may understand: the Connect
 * and gRPC protocols carry trouble in different places, plain HTTP in status and body.
 */
import { Code } from '@connectrpc/connect'
import { codeToString } from '@connectrpc/connect/protocol-connect'
import { kinds, type SyncError } from '@anysync/protocol/errors.ts'
import { toConnectError } from '@anysync/protocol/wire.ts'

export type Refusal = { status: number; headers: Record<string, string>; body: string | Uint8Array }

export const refusalOf = (error: SyncError, contentType: string | undefined): Refusal => {
  const { code, rawMessage: message, metadata } = toConnectError(error)
  const said = Object.fromEntries(metadata)
  if (contentType?.startsWith('application/grpc') === true) {
    const headers = {
      'content-type': contentType,
      'grpc-status': `${code}`,
      'grpc-message': encodeURIComponent(message),
      ...said,
    }
    return { status: 200, headers, body: '' }
  }
  const word = codeToString(code satisfies Code)
  if (contentType?.startsWith('application/connect+') === true) {
    return {
      status: 200,
      headers: { 'content-type': contentType },
      body: endOfStream({
        error: { code: word, message },
        metadata: Object.fromEntries([...metadata].map(([name, value]) => [name, [value]])),
      }),
    }
  }
  // `code` for Connect's unary calls, `kind` for plain HTTP.
  return {
    status: kinds[error.kind],
    headers: { 'content-type': 'application/json', ...said },
    body: JSON.stringify({ kind: error.kind, message, code: word }),
  }
}

/** One envelope of the Connect protocol with the flag "end of stream". */
const endOfStream = (content: object): Uint8Array => {
  const json = Buffer.from(JSON.stringify(content))
  const envelope = Buffer.alloc(5 + json.length)
  envelope.writeUInt8(0x02)
  envelope.writeUInt32BE(json.length, 1)
  json.copy(envelope, 5)
  return envelope
}
