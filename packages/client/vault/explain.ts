/**
 * Says of which thing it is that something in it does not hold.
 */
import { isTrouble, SyncError } from '@anysync/protocol/errors.ts'

/** Runs `work`; when that finds something `corrupt`, the sentence begins with what it was found in. */
export const explain = <Result>(operation: string, what: string, work: () => Result): Result => {
  try {
    return work()
  } catch (error) {
    if (!isTrouble(error, 'corrupt')) throw error
    throw new SyncError(operation, 'corrupt', `${what}: ${error.message}`, error)
  }
}
