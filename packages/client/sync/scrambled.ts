/**
 * Whether a file was scrambled: it was something that can be recognised, and what it holds now looks like random bytes
 * and like no known format. So does what ransomware leaves behind; so does nothing that people do to many files at once.
 * Pure. [Note: the brake]
 */
import { scrambledEntropyMin, scrambledSampleBytesMin, scrambledSharedRatioMax } from '@anysync/protocol/limits.ts'
import { entropy } from '../content/entropy.ts'
import { hasSignature, promisedBy } from './formats.ts'

/** A file as it was. `storedShare`: what was stored of its first bytes, as a share of them; null: not known. */
export type Before = { name: string; storedShare: number | null }

/** Text that would not shrink was no text. */
const textShareMax = 0.9

/** Whether a file was something that can be told from random bytes. */
export const isRecognisable = ({ name, storedShare }: Before): boolean => {
  switch (promisedBy(name)) {
    case 'signature':
      return true
    case 'text':
      return storedShare === null || storedShare <= textShareMax
    case 'unknown':
      return storedShare !== null && storedShare <= scrambledSharedRatioMax
  }
}

/** Whether the beginning of a file looks like random bytes and like no known format. */
export const looksScrambled = (head: Uint8Array): boolean =>
  head.length >= scrambledSampleBytesMin && !hasSignature(head) && entropy(head) >= scrambledEntropyMin
