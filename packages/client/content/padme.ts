/**
 * Padmé: how long a stored object shall be, so that its length tells little of what is in it.
 * Nikitin et al., "Reducing Metadata Leakage from Encrypted Files and Communication with PURBs" (PETS 2019), algorithm 1.
 */

/**
 * The smallest Padmé length that is at least `length`: a float's length whose mantissa is no longer than its exponent.
 * Adds at most 12 %, and lets only O(log log length) bits of the length be seen.
 */
export const padmeLength = (length: number): number => {
  if (length < 2) return length
  const exponent = Math.floor(Math.log2(length))
  const mantissaBits = Math.floor(Math.log2(exponent)) + 1
  const unit = 2 ** Math.max(0, exponent - mantissaBits)
  return Math.ceil(length / unit) * unit
}
