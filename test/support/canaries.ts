/**
 * Looks for secrets in bytes, in every dress that a careless program might have put on them.
 */
import { readFileSync } from 'node:fs'
import { filesBelow } from './server.ts'

/** A secret and what to call it when it is found. */
export type Canary = { name: string; bytes: Uint8Array }

type Needle = { name: string; dress: string; bytes: Buffer }

/** In base64 a secret looks different at each of three offsets; the characters at its ends depend on the neighbours. */
const base64At = (bytes: Uint8Array, offset: number, alphabet: 'base64' | 'base64url'): string => {
  const whole = Math.floor((bytes.length - ((3 - offset) % 3)) / 3) * 3
  const start = (3 - offset) % 3
  return Buffer.from(bytes.subarray(start, start + whole)).toString(alphabet)
}

const dressesOf = ({ name, bytes }: Canary): Needle[] => {
  const buffer = Buffer.from(bytes)
  const text = buffer.toString()
  const isText = Buffer.from(text).equals(buffer)
  const hex = buffer.toString('hex')
  const dresses: [string, Buffer | string][] = [
    ['as it is', buffer],
    ['in hex', hex],
    ['in capital hex', hex.toUpperCase()],
    ['backwards', Buffer.from(buffer.toReversed())],
    ['with every byte as a number', [...buffer].join(',')],
    ...[0, 1, 2].flatMap((offset): [string, string][] => [
      [`in base64 at ${offset}`, base64At(buffer, offset, 'base64')],
      [`in base64url at ${offset}`, base64At(buffer, offset, 'base64url')],
    ]),
    ...(isText
      ? ([
          ['in UTF-16', Buffer.from(text, 'utf16le')],
          ['in UTF-16, big-endian', Buffer.from(text, 'utf16le').swap16()],
          ['in small letters', text.toLowerCase()],
          ['in capitals', text.toUpperCase()],
          ['in a URL', encodeURIComponent(text)],
          ['in JSON', JSON.stringify(text).slice(1, -1)],
        ] satisfies [string, Buffer | string][])
      : []),
  ]
  const byHex = new Map(dresses.map(([dress, bytes]) => [Buffer.from(bytes).toString('hex'), dress]))
  return [...byHex].map(([hex, dress]) => ({ name, dress, bytes: Buffer.from(hex, 'hex') }))
}

export type Search = {
  /** One line for each canary that is in the bytes. */
  inBytes(bytes: Uint8Array | string, where: string): string[]
  /** In every file of a folder and below, and in their names. */
  inFolder(folder: string): string[]
}

export const searchFor = (canaries: Canary[]): Search => {
  for (const { name, bytes } of canaries) if (bytes.length < 8) throw new Error(`${name} is too short to be sure of`)
  const needles = canaries.flatMap(dressesOf)
  const inBytes = (bytes: Uint8Array | string, where: string): string[] => {
    const buffer = Buffer.from(bytes)
    return needles
      .filter((needle) => buffer.includes(needle.bytes))
      .map(({ name, dress }) => `${name}, ${dress}, is in ${where}`)
  }
  return {
    inBytes,
    inFolder: (folder) =>
      filesBelow(folder).flatMap((path) => [
        ...inBytes(path.slice(folder.length), `the name ${path}`),
        ...inBytes(readFileSync(path), path),
      ]),
  }
}
