/** What every Watcher promises. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Watcher } from '../ports.ts'

export type WatchedFolder = {
  watcher: Watcher
  /** Changes something deep in the folder, in a way that this watcher sees. */
  change(): Promise<void>
  close(): Promise<void>
}

const forever = new AbortController().signal

export const watcherSuite = (name: string, open: () => Promise<WatchedFolder>): void => {
  test(`${name}: a change wakes who waits`, async () => {
    const folder = await open()
    const woken = folder.watcher.nextChange(forever)
    await folder.change()
    await woken
    await folder.close()
  })

  test(`${name}: a change that nobody waited for wakes the next who does`, async () => {
    const folder = await open()
    const first = folder.watcher.nextChange(forever)
    await folder.change()
    await first
    await folder.change()
    await folder.watcher.nextChange(forever)
    await folder.close()
  })

  test(`${name}: an abort ends the wait with its reason, before and during it`, async () => {
    const folder = await open()
    const abort = new AbortController()
    const waiting = folder.watcher.nextChange(abort.signal)
    abort.abort(new Error('enough'))
    await assert.rejects(waiting, /enough/)
    await assert.rejects(folder.watcher.nextChange(abort.signal), /enough/)
    await folder.close()
  })
}
