/** What turns leave in the state for the next turn and for status, by name and link. */
import type { State } from '../ports.ts'
import type { Waiting } from './report.ts'

/** Facts that a turn leaves in the state, by link. */
export const facts = {
  waiting: 'waiting',
  confirmed: 'confirmed',
  report: 'last-report',
  scanned: 'last-scan-ns',
  /** The mode of the link at the last turn. */
  mode: 'mode',
  /** The fingerprint of the rules by which everything was last looked at. */
  rules: 'rules',
  /** How often the vault's log had been rewound when the base last followed. */
  rewinds: 'rewinds',
  /** The sequence of the newest snapshot of which the base may hold something. */
  followed: 'followed',
  /** The times that folders shall have again after a pull. */
  folderTimes: 'folder-times',
  /** A commit that removes nodes, until the base holds it. */
  removing: 'removing',
  /** What a person must know of, until it is acknowledged. */
  alarm: 'alarm',
} as const

/** The deletions that wait for a person, as the last turn left them. */
export const waitingOf = (state: State, linkId: string): Waiting | null => {
  const fact = state.fact(linkId, facts.waiting)
  if (fact === null) return null
  const [deletions = 0, files = 0] = fact.split(' ').map(Number)
  return { deletions, files }
}

export type Alarm = { timeNs: bigint; message: string }

/** Tells a person of something that no turn may settle by itself. */
export const raiseAlarm = (state: State, linkId: string, timeNs: bigint, message: string): void =>
  state.putFact(linkId, facts.alarm, `${timeNs} ${message}`)

/** The alarm that nobody has acknowledged; null when there is none. */
export const alarmOf = (state: State, linkId: string): Alarm | null => {
  const fact = state.fact(linkId, facts.alarm)
  if (fact === null) return null
  const space = fact.indexOf(' ')
  return { timeNs: BigInt(fact.slice(0, space)), message: fact.slice(space + 1) }
}

/** A person knows. Returns whether there was an alarm. */
export const acknowledgeAlarm = (state: State, linkId: string): boolean => {
  const isOver = alarmOf(state, linkId) !== null
  state.putFact(linkId, facts.alarm, null)
  return isOver
}

/** Lets the deletions that wait go through at the next turn. Returns how many; 0 when none wait. */
export const confirmWaiting = (state: State, linkId: string): number => {
  const deletions = waitingOf(state, linkId)?.deletions ?? 0
  if (deletions > 0) state.putFact(linkId, facts.confirmed, String(deletions))
  return deletions
}
