/**
 * The failure since the last turn that worked, kept with the link: so that status tells of it when nobody runs.
 */
import * as v from 'valibot'
import type { State } from '@anysync/client/ports.ts'
import { SyncError } from '@anysync/protocol/errors.ts'
import { nodeClock } from './ports/clock.ts'
import { kindSchema, timeNsSchema } from './schemas.ts'

const schema = v.object({
  timeNs: timeNsSchema,
  kind: kindSchema,
  message: v.string(),
})

export type LastTrouble = v.InferOutput<typeof schema>

const fact = 'last-trouble'

/** Null when the last turn worked. */
export const lastTroubleOf = (state: State, linkId: string): LastTrouble | null => {
  const text = state.fact(linkId, fact)
  if (text === null) return null
  const parsed = v.safeParse(schema, JSON.parse(text))
  return parsed.success ? parsed.output : null
}

/** Notes the trouble of this work, and lets it pass. */
export const notingTrouble = async <Result>(
  state: State,
  linkId: string,
  work: () => Promise<Result>,
): Promise<Result> => {
  try {
    return await work()
  } catch (error) {
    if (error instanceof SyncError) note(state, linkId, error)
    throw error
  }
}

export const forgetTrouble = (state: State, linkId: string): void => {
  if (state.fact(linkId, fact) !== null) state.putFact(linkId, fact, null)
}

const note = (state: State, linkId: string, { kind, message }: SyncError): void => {
  try {
    state.putFact(linkId, fact, JSON.stringify({ timeNs: nodeClock.nowNs().toString(), kind, message }))
  } catch (error) {
    // A full disk may be the very trouble, and that one is thrown: nothing is kept from anybody.
    if (!(error instanceof SyncError)) throw error
  }
}
