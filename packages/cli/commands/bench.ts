/**
 * `anysync bench`: how fast this computer does what costs in a push, so that a person can tell whether it is the
 * computer, the network or the server that is slow. Needs no account and no server.
 */
import { measureSpeeds } from '../local-speed.ts'
import { createOutput, table } from '../output/print.ts'
import type { CommonOptions } from '../local.ts'

export const bench = async (options: CommonOptions): Promise<void> => {
  const output = createOutput(options)
  const { threads, speeds } = await measureSpeeds()
  output.tell({ threads, speeds })
  const rows = speeds.map(({ what, oneThread, allThreads }) => [what, String(oneThread), String(allThreads)])
  for (const line of table([['MB/s', 'one thread', `${threads} threads`], ...rows])) output.say(line)
}
