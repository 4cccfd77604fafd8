/**
 * Whether a file was scrambled: it was something that can be recognised, and what it holds now looks like random bytes
 * and like no known format. So does what ransomware leaves behind; so does nothing that people do to many files at once.
 * Pure. [Note: the brake]
 */
import { scrambledEntropyMin, scrambledSampleBytesMin, scrambledSharedRatioMax } from '@anysync/protocol/limits.ts'
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

/** Bits a byte, 0 to 8, with the correction of Miller and Madow for samples that are short. */
export const entropy = (sample: Uint8Array): number => {
  const counts = new Uint32Array(256)
  for (const byte of sample) counts[byte] = (counts[byte] ?? 0) + 1
  let bits = 0
  let distinct = 0
  for (const count of counts) {
    if (count === 0) continue
    distinct += 1
    bits -= (count / sample.length) * Math.log2(count / sample.length)
  }
  return sample.length === 0 ? 0 : bits + (distinct - 1) / (2 * Math.LN2 * sample.length)
}
