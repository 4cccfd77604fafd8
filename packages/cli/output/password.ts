/**
 * Passwords: from a file, from standard input, or typed without being shown. Never from arguments or the environment,
 * where other programs can read them.
 */
import { open } from 'node:fs/promises'
import { SyncError } from '@anysync/protocol/errors.ts'
import { UsageError } from './fail.ts'

export type PasswordOptions = { passwordFile?: string }

const passwordBytesMax = 4096

/** `isNew` asks twice. Throws `invalid` when there is none, and UsageError when there is nobody to ask. */
export const readPassword = async (
  { passwordFile }: PasswordOptions,
  message: string,
  isNew: boolean,
): Promise<string> => {
  if (passwordFile === undefined) return await ask(message, isNew)
  const bytes = passwordFile === '-' ? await readInput() : await readFile(passwordFile)
  return decode(bytes)
}

const readFile = async (path: string): Promise<Uint8Array> => {
  try {
    await using file = await open(path)
    const buffer = new Uint8Array(passwordBytesMax + 1)
    const { bytesRead } = await file.read(buffer)
    return buffer.subarray(0, bytesRead)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
    throw new SyncError('password.read', 'missing', `the password file cannot be read (${code}): check its path`, error)
  }
}

const readInput = async (): Promise<Uint8Array> => {
  const parts: Uint8Array[] = []
  let length = 0
  for await (const part of process.stdin) {
    if (!(part instanceof Uint8Array)) continue
    parts.push(part)
    length += part.length
    if (length > passwordBytesMax) break
  }
  return Buffer.concat(parts)
}

/** One line break at the end belongs to the file, not to the password. */
const decode = (bytes: Uint8Array): string => {
  if (bytes.length > passwordBytesMax) {
    throw new SyncError(
      'password.read',
      'invalid',
      `a password is at most ${passwordBytesMax} bytes: is this the right file?`,
    )
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes).replace(/\r?\n$/, '')
  } catch (error) {
    throw new SyncError('password.read', 'invalid', 'the password is not UTF-8: save its file as UTF-8', error)
  }
}

const ask = async (message: string, isNew: boolean): Promise<string> => {
  if (!process.stdin.isTTY || !process.stderr.isTTY) {
    throw new UsageError(
      'there is no terminal to ask for the password: give it with --password-file FILE, or - for standard input',
    )
  }
  const { password, isCancel } = await import('@clack/prompts')
  const askOnce = async (question: string): Promise<string> => {
    // On standard error, so that standard output keeps nothing but the answer; without a mask, so that not even its length shows.
    const answer = await password({ message: question, mask: '', output: process.stderr })
    if (isCancel(answer)) throw new SyncError('password.read', 'invalid', 'no password was given: nothing was done')
    return answer
  }
  const first = await askOnce(message)
  if (isNew && (await askOnce('The same again')) !== first) {
    throw new SyncError('password.read', 'invalid', 'the two passwords differ: nothing was done, try again')
  }
  return first
}
