/** What turns leave in the state for the next turn and for status, by name and link. */
import type { State } from '../ports.ts'
import type { Waiting } from './report.ts'

/** Facts that a turn leaves in the state, by link. */
export const facts = {
  waiting: 'waiting',
  confirmed: 'confirmed',
  report: 'last-report',
  scanned: 'last-scan-ns',
  /** The fingerprint of the rules by which everything was last looked at. */
  rules: 'rules',
} as const

/** The deletions that wait for a person, as the last turn left them. */
export const waitingOf = (state: State, linkId: string): Waiting | null => {
  const fact = state.fact(linkId, facts.waiting)
  if (fact === null) return null
  const [deletions = 0, files = 0] = fact.split(' ').map(Number)
  return { deletions, files }
}
