/**
 * What waits for a person, in words: the same in `anysync status`, after a turn and from `anysync confirm`.
 */
import type { Waiting } from '@anysync/client/sync/report.ts'
import { counted } from './words.ts'

/** '12 deletions of 20 files wait'. */
export const waitingWords = (waiting: Waiting): string => {
  const what = whatWaits(waiting)
  const isOne = waiting.deletions + waiting.scrambled === 1
  return `${what} of ${counted(waiting.files, 'file')} ${isOne ? 'waits' : 'wait'}`
}

/** '12 deletions', '25 scrambled files' or both. */
export const whatWaits = ({ deletions, scrambled }: Waiting): string =>
  [
    ...(scrambled > 0 ? [counted(scrambled, 'scrambled file')] : []),
    ...(deletions > 0 ? [counted(deletions, 'deletion')] : []),
  ].join(' and ')

export const whatToDo = ({ scrambled }: Waiting): string =>
  scrambled > 0
    ? 'files that could be recognised now look like random bytes, as ransomware leaves them. If it was not you, look ' +
      'for what does it and stop it, then put the files back (`anysync restore FOLDER --to DIR` gets them from the ' +
      'vault); if it was you, `anysync confirm` lets it go through'
    : 'let them go through with `anysync confirm`, or put the files back'
