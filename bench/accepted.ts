/**
 * When the server accepted a record: seen in its own database. A change there is visible a moment after the last write
 * that a watcher could tell of, so it is asked again and again; one question takes some microseconds.
 */
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { DatabaseSync } from 'node:sqlite'
import type { TestServer } from '../test/support/server.ts'

export type AcceptedRecords = Disposable & {
  /** The sequence of the newest record of any vault. */
  newest(): number
  /** Resolves with the time (of `performance.now`) at which a record after this one was seen. */
  after(sequence: number, msMax: number): Promise<number>
}

const askAgainMs = 4

export const acceptedRecords = (server: TestServer): AcceptedRecords => {
  const database = new DatabaseSync(join(server.home, 'server/anysync.db'), { readOnly: true })
  const query = database.prepare('select max(head_sequence) as newest from vault')
  const newest = () => Number(query.get()?.['newest'] ?? 0)
  return {
    newest,
    after: async (sequence, msMax) => {
      const untilMs = performance.now() + msMax
      while (newest() <= sequence) {
        if (performance.now() > untilMs) throw new Error(`no record was accepted within ${msMax} ms`)
        await wait(askAgainMs)
      }
      return performance.now()
    },
    [Symbol.dispose]: () => database.close(),
  }
}
