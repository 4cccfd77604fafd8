/**
 * One call to a server, made once: its answer is parsed before anybody sees it, and its trouble names the server.
 */
import { parseAnswer } from './answers.ts'
import type { ServerAddress } from './link.ts'
import { networkTrouble } from './network-trouble.ts'

export type Call = <Answer, Result>(
  operation: string,
  send: () => Promise<Answer>,
  parse: (answer: Answer) => Result,
) => Promise<Result>

/** Calls to this server. They throw SyncErrors only; `corrupt` for an answer that makes no sense. */
export const callsTo =
  (server: ServerAddress): Call =>
  async (operation, send, parse) => {
    try {
      const answer = await send()
      return parseAnswer(operation, () => parse(answer))
    } catch (error) {
      throw networkTrouble(operation, server, error)
    }
  }
