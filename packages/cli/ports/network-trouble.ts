/**
 * What went wrong on the way to the server, as one SyncError with one sentence. Whatever the network does is
 * `unavailable`; only what the server itself said, and a wrong certificate, is more than that.
 */
import { Code, ConnectError } from '@connectrpc/connect'
import { SyncError } from '@anysync/protocol/errors.ts'
import { messageLengthMax } from '@anysync/protocol/limits.ts'
import { fromConnectError, kindSaid } from '@anysync/protocol/wire.ts'
import { formatServer, type ServerAddress } from './link.ts'

/** Any error of a call, a connection or a transfer. */
export const networkTrouble = (operation: string, server: ServerAddress, error: unknown): SyncError => {
  const causes = causesOf(error)
  const known = causes.find((cause) => cause instanceof SyncError)
  if (known !== undefined) return new SyncError(operation, known.kind, known.message, error)
  const told = causes.find((cause) => cause instanceof ConnectError && kindSaid(cause) !== null)
  if (told !== undefined) {
    const { kind, message } = fromConnectError(operation, told)
    return new SyncError(operation, kind, plainMessage(message), error)
  }
  return new SyncError(operation, 'unavailable', describe(server, causes), error)
}

/** A message from elsewhere, safe to show on a terminal: one line, no control characters, not endless. */
export const plainMessage = (message: string): string =>
  message.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').slice(0, messageLengthMax)

const causesMax = 16

const causesOf = (error: unknown): Error[] => {
  const causes: Error[] = []
  for (let cause = error; cause instanceof Error && causes.length < causesMax; cause = cause.cause) causes.push(cause)
  return causes
}

const describe = (server: ServerAddress, causes: Error[]): string => {
  const where = formatServer(server)
  const isLate = causes.some(
    (cause) => cause.name === 'TimeoutError' || (cause instanceof ConnectError && cause.code === Code.DeadlineExceeded),
  )
  const code = isLate ? 'ETIMEDOUT' : (causes.map(codeOf).find((code) => code !== '') ?? '')
  switch (code) {
    case 'ECONNREFUSED':
      return `nothing answers at ${where}: check that the server runs there and that the port is right`
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `the address of ${where} cannot be found: check the name and the network`
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'ENETDOWN':
      return `there is no way to ${where}: check the network`
    case 'ETIMEDOUT':
    case 'UND_ERR_CONNECT_TIMEOUT':
    case 'UND_ERR_HEADERS_TIMEOUT':
    case 'UND_ERR_BODY_TIMEOUT':
      return `the server at ${where} does not answer in time: check the network, then try again`
    case 'EPROTO':
    case 'ERR_SSL_WRONG_VERSION_NUMBER':
    case 'ERR_SSL_PACKET_LENGTH_TOO_LONG':
      return `what answers at ${where} is no AnySync server (it does not speak TLS): check the port`
    default: {
      const reason = code === '' ? '' : ` (${plainMessage(code)})`
      return `the line to the server at ${where} broke${reason}: try again`
    }
  }
}

const codeOf = (error: Error): string => ('code' in error && typeof error.code === 'string' ? error.code : '')
