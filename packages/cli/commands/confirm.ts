/**
 * `anysync confirm`: lets the deletions that wait for a person go through, and ends the alarms that a person has heard.
 */
import type { Link } from '@anysync/client/ports.ts'
import { acknowledgeAlarm, alarmOf, waitingOf } from '@anysync/client/sync/facts.ts'
import { askDaemon } from '../daemon/ask.ts'
import type { Answer } from '../daemon/wire.ts'
import { openLinkEngine } from '../engines.ts'
import { pickLinks } from '../folders.ts'
import { createOutput } from '../output/print.ts'
import { counted, shown } from '../output/words.ts'
import { openSession, type CommonOptions, type Session } from '../session.ts'

export const confirm = async (folder: string | undefined, options: CommonOptions): Promise<void> => {
  const output = createOutput(options)
  await using session = await openSession(options, false)
  const { state } = session
  const folders: object[] = []
  for (const link of pickLinks(state, folder)) {
    if (waitingOf(state, link.id) === null && alarmOf(state, link.id) === null) continue
    const answer = await askDaemon(session.account, { ask: 'confirm', linkId: link.id })
    const when = answer === null ? 'at the next sync' : 'now'
    const { deletions, isAlarmOver } = answer ?? (await confirmAlone(session, link))
    folders.push({ folder: link.root, deletions, isAlarmOver })
    if (deletions > 0) output.say(`${shown(link.root)}: ${counted(deletions, 'deletion')} will go through ${when}`)
    if (isAlarmOver) output.say(`${shown(link.root)}: the alarm is over`)
  }
  if (folders.length === 0) output.say('nothing waits for a decision')
  output.tell({ folders })
}

const confirmAlone = async (session: Session, link: Link): Promise<Answer<'confirm'>> => {
  const { state } = session
  const isAlarmOver = alarmOf(state, link.id) !== null
  acknowledgeAlarm(state, link.id)
  if (waitingOf(state, link.id) === null) return { deletions: 0, isAlarmOver }
  const { engine } = await openLinkEngine(session, link)
  return { deletions: engine.confirm(), isAlarmOver }
}
