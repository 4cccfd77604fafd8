/**
 * The mode of a link, as the state has it: it may change between two turns, by this process or another. What was left
 * out because of the mode before is looked at anew; nothing is ever taken for deleted because a mode kept it away.
 */
import type { Link, LinkMode, State } from '../ports.ts'
import { forgetAbsences } from './absences.ts'
import { facts } from './facts.ts'

/** Changes the mode of a link. A turn that runs goes on by the old one; the next one is by the new one. */
export const setLinkMode = (state: State, link: Link, mode: LinkMode): void => state.putLink({ ...link, mode })

/** The link as it is now. */
export const linkNow = (state: State, given: Link): Link => state.links().find(({ id }) => id === given.id) ?? given

/** The link as it is now, and whether its mode is another than at the last turn. */
export const takeUpMode = (state: State, given: Link): { link: Link; isNewMode: boolean } => {
  const link = linkNow(state, given)
  const isNewMode = (state.fact(link.id, facts.mode) ?? 'sync') !== link.mode
  if (isNewMode)
    state.transact(() => {
      forgetAbsences(state, link.id, 'mode', () => false)
      state.putFact(link.id, facts.mode, link.mode)
    })
  return { link, isNewMode }
}
