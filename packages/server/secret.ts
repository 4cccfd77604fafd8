/**
 * The server's one secret, 32 bytes in a file of its own: what makes challenges its own and gives unknown e-mails
 * a salt that stays the same. It opens nothing that a client stored.
 */
import { createHmac, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { demand } from '@anysync/protocol/errors.ts'
import { keyBytes } from '@anysync/protocol/limits.ts'
import { encodeContext, type ContextField } from '@anysync/protocol/context.ts'
import { writeFileDurably } from './files.ts'

/** HMAC-SHA256 over context(…): 32 bytes. */
export type ServerMac = (...fields: ContextField[]) => Uint8Array

export const createSecret = (file: string): void => writeFileDurably(file, randomBytes(keyBytes), 0o600)

export const openSecret = (file: string): ServerMac => {
  const secret = readFileSync(file)
  demand(
    secret.length === keyBytes,
    'secret.open',
    'corrupt',
    `${file} must hold ${keyBytes} bytes: restore it from a backup`,
  )
  return (...fields) =>
    createHmac('sha256', secret)
      .update(encodeContext(...fields))
      .digest()
}
