/**
 * Before a push: what a person must decide first. Notes what waits, for status and for whoever confirms it, and how much of
 * what is suspicious was pushed a little at a time. [Note: the brake]
 */
import { deletionShareFilesMin, scrambledShareFilesMin } from '@anysync/protocol/limits.ts'
import type { ApplyParts } from './apply.ts'
import { confirmedOf, hasConfirmed, pushedScrambledOf, putConfirmed, putPushedScrambled, putWaiting } from './facts.ts'
import { findScrambled } from './find-scrambled.ts'
import { mustAsk, mustAskOfScrambled, stillCounting } from './guards.ts'
import type { Step } from './plan.ts'
import type { Waiting } from './report.ts'

/**
 * `waiting`: null when the push may go on. Beside it, how many files this push deletes, how many were scrambled, and whether
 * a person has confirmed something.
 */
export type Asked = { waiting: Waiting | null; deletions: number; scrambled: number; isConfirmed: boolean }

/**
 * Notes, and returns, what must wait for a person. Tells which files were scrambled. `deletedBefore`: files that the turn
 * deleted before without being told to.
 */
export const askAbout = async (parts: ApplyParts, steps: Step[], deletedBefore: number): Promise<Asked> => {
  const { disk, state, linkId, vault, clock, where, troubles } = parts
  const deletions = steps.filter((step) => step.toLog === 'remove' && step.remote?.kind === 'file').length
  const paths = await findScrambled({ disk, state, vaultId: vault.id, pathOf: (id) => where.path(id) }, steps)
  const allDeletions = deletions === 0 ? 0 : deletions + deletedBefore
  const before = stillCounting(pushedScrambledOf(state, linkId), clock.nowNs()).scrambled
  const scrambled = paths.length === 0 ? 0 : before + paths.length
  // Counting looks at every row, and few are no share of anything.
  const isFew = allDeletions < deletionShareFilesMin && scrambled < scrambledShareFilesMin
  const files = isFew ? 0 : state.totals(linkId).files + deletedBefore
  const isConfirmed = hasConfirmed(state, linkId)
  const confirmed = confirmedOf(state, linkId)
  const isAsking =
    mustAsk(allDeletions, files, isConfirmed ? confirmed.deletions + deletedBefore : 0) ||
    mustAskOfScrambled(scrambled, files, confirmed.scrambled)
  const waiting = isAsking ? { deletions, scrambled, files } : null
  putWaiting(state, linkId, waiting)
  if (waiting !== null)
    troubles.push(...paths.map((path) => ({ path, kind: 'held' as const, message: scrambledMessage })))
  return { waiting, deletions, scrambled: paths.length, isConfirmed }
}

/**
 * Notes what a push sent. What was confirmed is used up by it, and nothing counts from before. `hasMore`: the turn goes on,
 * and what is left of it is for the pushes that follow.
 */
export const noteSent = ({ state, linkId, clock }: ApplyParts, sent: Asked, hasMore: boolean): void => {
  const { deletions, scrambled, isConfirmed } = sent
  if (isConfirmed) {
    const confirmed = confirmedOf(state, linkId)
    const left = {
      deletions: Math.max(0, confirmed.deletions - deletions),
      scrambled: Math.max(0, confirmed.scrambled - scrambled),
    }
    putConfirmed(state, linkId, hasMore ? left : null)
    putPushedScrambled(state, linkId, null)
  } else if (scrambled > 0) {
    const before = stillCounting(pushedScrambledOf(state, linkId), clock.nowNs())
    putPushedScrambled(state, linkId, { ...before, scrambled: before.scrambled + scrambled })
  }
}

const scrambledMessage = 'it was a file that could be recognised, and now looks like random bytes'
