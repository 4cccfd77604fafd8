/**
 * `anysync confirm`: lets what waits for a person go through, and ends the alarms that a person has heard.
 */
import type { Link, State } from '@anysync/client/ports.ts'
import { acknowledgeAlarm, alarmOf, confirmWaiting, waitingOf } from '@anysync/client/sync/facts.ts'
import { askDaemon } from '../daemon/ask.ts'
import type { Answer } from '../daemon/wire.ts'
import { pickLinks } from '../folders.ts'
import { acknowledgeIncarnation } from '../incarnation.ts'
import { createOutput } from '../output/print.ts'
import { whatWaits } from '../output/waiting.ts'
import { shown } from '../output/words.ts'
import { openLocal, type CommonOptions } from '../local.ts'

export const confirm = async (folder: string | undefined, options: CommonOptions): Promise<void> => {
  const output = createOutput(options)
  await using local = await openLocal(options, false)
  const { account, state } = local
  const folders: object[] = []
  for (const link of pickLinks(state, folder)) {
    if (waitingOf(state, link.id) === null && alarmOf(state, link.id) === null) continue
    const answer = await askDaemon(account, { ask: 'confirm', linkId: link.id })
    const when = answer === null ? 'at the next sync' : 'now'
    const { waiting, isAlarmOver } = answer ?? confirmAlone(state, link)
    const { deletions, scrambled } = waiting ?? { deletions: 0, scrambled: 0 }
    folders.push({ folder: link.root, deletions, scrambled, isAlarmOver })
    if (waiting !== null) output.say(`${shown(link.root)}: ${whatWaits(waiting)} will go through ${when}`)
    if (isAlarmOver) output.say(`${shown(link.root)}: the alarm is over`)
  }
  const isServerKnown = acknowledgeIncarnation(state)
  if (isServerKnown) output.say('you know that the server was put back')
  if (folders.length === 0 && !isServerKnown) output.say('nothing waits for a decision')
  output.tell({ folders, isServerKnown })
}

/** Noted for the next turn, whoever takes it: no server need be reached for that. */
const confirmAlone = (state: State, { id }: Link): Answer<'confirm'> => ({
  waiting: confirmWaiting(state, id),
  isAlarmOver: acknowledgeAlarm(state, id),
})
