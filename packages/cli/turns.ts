/**
 * Whole turns for whoever asks: taken by this process, which then needs the account alone, or by the daemon that has
 * it. What comes of them is the same.
 */
import type { Link } from '@anysync/client/ports.ts'
import type { OnProgress, TurnReport } from '@anysync/client/sync/report.ts'
import { askRunningDaemon, isDaemonThere } from './daemon/ask.ts'
import type { Answer } from './daemon/wire.ts'
import { openLinkEngine } from './engines.ts'
import { planDocument, planLines } from './output/plan.ts'
import { openLocal, signedIn, type CommonOptions, type Local } from './local.ts'
import { openSession } from './session.ts'

export type Turns = AsyncDisposable & {
  local: Local
  turn(link: Link, onProgress: OnProgress): Promise<TurnReport>
  /** What a turn would do. */
  preview(link: Link, onProgress: OnProgress): Promise<Answer<'preview'>>
}

export const openTurns = async (options: CommonOptions): Promise<Turns> => {
  const hasDaemon = await isDaemonThere(signedIn(options).account)
  return hasDaemon ? await turnsOfDaemon(options) : await turnsOfOurOwn(options)
}

const turnsOfOurOwn = async (options: CommonOptions): Promise<Turns> => {
  const session = await openSession(options, true)
  return {
    local: session,
    async turn(link, onProgress) {
      const { engine } = await openLinkEngine(session, link, onProgress)
      return await engine.turn()
    },
    async preview(link, onProgress) {
      const { engine } = await openLinkEngine(session, link, onProgress)
      const plan = await engine.preview()
      return { lines: planLines(plan), document: planDocument(plan) }
    },
    [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
  }
}

const turnsOfDaemon = async (options: CommonOptions): Promise<Turns> => {
  const local = await openLocal(options, false)
  const { account } = local
  return {
    local,
    async turn({ id: linkId }, onProgress) {
      const { report } = await askRunningDaemon(account, { ask: 'turn', linkId }, { onProgress })
      return report
    },
    preview: ({ id: linkId }, onProgress) => askRunningDaemon(account, { ask: 'preview', linkId }, { onProgress }),
    [Symbol.asyncDispose]: () => local[Symbol.asyncDispose](),
  }
}
