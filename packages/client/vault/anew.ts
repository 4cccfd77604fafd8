/**
 * The log takes one record after another, so any device may be overtaken by another in the middle of what it decides.
 * Then it takes over what is new, and decides anew.
 */
import { isTrouble } from '@anysync/protocol/errors.ts'
import { turnRoundsMax } from '@anysync/protocol/limits.ts'
import type { Vault } from './vault-types.ts'

/**
 * What the attempt gives, which is made again after every `conflict`, when the log was taken over and what depends on it
 * was seen to. Throws the `conflict` when others are faster every time.
 */
export const anew = async <Result>(
  vault: Pick<Vault, 'refresh'>,
  attempt: () => Promise<Result>,
  whenOvertaken: () => Promise<void> | void = () => undefined,
): Promise<Result> => {
  for (let round = 1; ; round++) {
    try {
      return await attempt()
    } catch (error) {
      if (!isTrouble(error, 'conflict') || round === turnRoundsMax) throw error
    }
    await vault.refresh()
    await whenOvertaken()
  }
}
