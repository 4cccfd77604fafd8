/**
 * The process that `anysync start` leaves behind. It tells whoever started it that it is ready, or why not, and from
 * then on only its log.
 */
import { parseArgs } from 'node:util'
import { SyncError } from '@anysync/protocol/errors.ts'
import { pickAccount } from '../homes.ts'
import { keepHeapSmall } from '../small-heap.ts'
import { LogFile } from './log-file.ts'
import { logFile } from './place.ts'
import { runDaemon } from './run.ts'
import type { News } from './launch.ts'
import { logVoice } from './voice.ts'

keepHeapSmall()

const { home = '', account = '' } = parseArgs({
  options: { home: { type: 'string' }, account: { type: 'string' } },
}).values

const tell = (news: News): void => {
  // Whoever started it may have gone.
  if (process.connected) process.send?.(news, () => process.disconnect?.())
}

using file = new LogFile(logFile(pickAccount(home, account).account))
const voice = logVoice(file)
try {
  await runDaemon(
    { home, account },
    {
      ...voice,
      ready(links) {
        voice.ready(links)
        tell({ is: 'ready', folders: links.length })
      },
    },
  )
} catch (error) {
  if (!(error instanceof SyncError)) throw error
  const { operation, kind, message } = error
  voice.note(`ended: ${message}`)
  tell({ is: 'trouble', operation, kind, message })
  process.exitCode = 1
}
