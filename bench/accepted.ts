/**
 * When the server accepted a record: seen in its own database, woken by its writes, so that waiting costs nothing.
 */
import { watch } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { TestServer } from '../test/support/server.ts'

export type AcceptedRecords = Disposable & {
  /** The sequence of the newest record of any vault. */
  newest(): number
  /** Resolves with the time (of `performance.now`) at which a record after this one was seen. */
  after(sequence: number, msMax: number): Promise<number>
}

/** In case a hint of the system is lost. */
const lookAnywayMs = 50

export const acceptedRecords = (server: TestServer): AcceptedRecords => {
  const folder = join(server.home, 'server')
  const database = new DatabaseSync(join(folder, 'anysync.db'), { readOnly: true })
  const query = database.prepare('select max(head_sequence) as newest from vault')
  const newest = () => Number(query.get()?.['newest'] ?? 0)
  return {
    newest,
    after: (sequence, msMax) =>
      new Promise((resolve, reject) => {
        const end = () => {
          watcher.close()
          clearInterval(timer)
          clearTimeout(late)
        }
        const look = () => {
          if (newest() <= sequence) return
          end()
          resolve(performance.now())
        }
        const watcher = watch(folder, look)
        const timer = setInterval(look, lookAnywayMs)
        const late = setTimeout(() => {
          end()
          reject(new Error(`no record was accepted within ${msMax} ms`))
        }, msMax)
        look()
      }),
    [Symbol.dispose]: () => database.close(),
  }
}
