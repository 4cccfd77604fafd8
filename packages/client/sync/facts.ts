/** What turns leave in the state for the next turn and for status, by name and link. */
import type { State } from '../ports.ts'
import type { Pushed } from './guards.ts'
import type { Waiting } from './report.ts'

/** Facts that a turn leaves in the state, by link. */
export const facts = {
  waiting: 'waiting',
  confirmed: 'confirmed',
  /** Scrambled files that were pushed lately. */
  scrambled: 'scrambled',
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

/** What waits for a person, as the last turn left it. */
export const waitingOf = (state: State, linkId: string): Waiting | null => {
  const fact = state.fact(linkId, facts.waiting)
  if (fact === null) return null
  const [deletions = 0, files = 0, scrambled = 0] = fact.split(' ').map(Number)
  return { deletions, scrambled, files }
}

export const putWaiting = (state: State, linkId: string, waiting: Waiting | null): void => {
  const fact = waiting === null ? null : `${waiting.deletions} ${waiting.files} ${waiting.scrambled}`
  state.putFact(linkId, facts.waiting, fact)
}

/** As many may go through at the next push. */
export const confirmedOf = (state: State, linkId: string): Pick<Waiting, 'deletions' | 'scrambled'> => {
  const [deletions = 0, scrambled = 0] = (state.fact(linkId, facts.confirmed) ?? '0').split(' ').map(Number)
  return { deletions, scrambled }
}

/** Whether a person has confirmed something, and it is not used up. */
export const hasConfirmed = (state: State, linkId: string): boolean => state.fact(linkId, facts.confirmed) !== null

/** Null: nothing is confirmed. */
export const putConfirmed = (
  state: State,
  linkId: string,
  confirmed: Pick<Waiting, 'deletions' | 'scrambled'> | null,
): void =>
  state.putFact(linkId, facts.confirmed, confirmed === null ? null : `${confirmed.deletions} ${confirmed.scrambled}`)

export const putPushedScrambled = (state: State, linkId: string, pushed: Pushed | null): void =>
  state.putFact(linkId, facts.scrambled, pushed === null ? null : `${pushed.sinceNs} ${pushed.scrambled}`)

export const pushedScrambledOf = (state: State, linkId: string): Pushed => {
  const [sinceNs = '0', scrambled = '0'] = (state.fact(linkId, facts.scrambled) ?? '0 0').split(' ')
  return { sinceNs: BigInt(sinceNs), scrambled: Number(scrambled) }
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

/** Lets what waits go through at the next turn, as much of it as was told. Returns that; null when nothing waits. */
export const confirmWaiting = (state: State, linkId: string): Waiting | null => {
  const waiting = waitingOf(state, linkId)
  if (waiting !== null) putConfirmed(state, linkId, waiting)
  return waiting
}
