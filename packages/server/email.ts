/**
 * The form that an e-mail must have to name an account. The client trims and lowers it before it signs it.
 */
import { demand } from '@anysync/protocol/errors.ts'
import { emailBytesMax } from '@anysync/protocol/limits.ts'

/** Throws `invalid` for anything else than a trimmed, lower-case address. */
export const checkEmail = (operation: string, email: string): void => {
  const isFit =
    email.isWellFormed() && Buffer.byteLength(email) <= emailBytesMax && email === email.trim().toLowerCase()
  demand(
    isFit && /^[^@\p{Cc}]+@[^@\p{Cc}]+$/u.test(email),
    operation,
    'invalid',
    `an e-mail must be trimmed, in lower case, at most ${emailBytesMax} bytes long and have one '@'`,
  )
}
