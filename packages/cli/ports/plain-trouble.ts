/**
 * Troubles on their way between threads: what a thread tells is plain data, and an error that crosses over loses its class.
 */
import { SyncError } from '@anysync/protocol/errors.ts'

export type PlainTrouble = Pick<SyncError, 'operation' | 'kind' | 'message'>

export const toPlain = ({ operation, kind, message }: SyncError): PlainTrouble => ({ operation, kind, message })

export const fromPlain = ({ operation, kind, message }: PlainTrouble): SyncError =>
  new SyncError(operation, kind, message)
