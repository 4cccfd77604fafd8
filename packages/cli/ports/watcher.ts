/**
 * The Watcher of Node: recursive `fs.watch`, which is a hint and nothing more. What AnySync itself does in its private
 * folder is not told.
 */
import { watch, type FSWatcher } from 'node:fs'
import { sep } from 'node:path'
import { Latch } from '@anysync/client/latch.ts'
import type { Watcher } from '@anysync/client/ports.ts'
import { SyncError } from '@anysync/protocol/errors.ts'
import { privateName } from './refuse-name.ts'

export type FolderWatcher = Watcher & Disposable

/** Watches a folder from the first `nextChange` on. When the system cannot watch, `nextChange` is `unavailable`; the next one tries again. */
export const createWatcher = (root: string): FolderWatcher => {
  const latch = new Latch()
  let watcher: FSWatcher | null = null
  let failure: Error | null = null

  const fail = (error: Error): void => {
    failure = error
    watcher?.close()
    watcher = null
    latch.set()
  }

  const open = (): void => {
    if (watcher !== null) return
    try {
      watcher = watch(root, { recursive: true }, (_event, name) => {
        if (!isOfPrivateFolder(name)) latch.set()
      })
      watcher.on('error', fail)
    } catch (error) {
      throw unwatchable(error)
    }
  }

  return {
    async nextChange(signal) {
      open()
      await latch.next(signal)
      if (failure === null) return
      const cause = failure
      failure = null
      throw unwatchable(cause)
    },
    [Symbol.dispose]() {
      watcher?.close()
      watcher = null
    },
  }
}

/** Whether a change is of AnySync's own making. `name`: relative to the watched folder, as this system separates names; null: not told. */
export const isOfPrivateFolder = (name: string | null): boolean =>
  name !== null && name.split(sep, 1)[0] === privateName

const unwatchable = (cause: unknown): SyncError =>
  new SyncError(
    'watcher.watch',
    'unavailable',
    'this folder cannot be watched for changes; it is still looked at regularly. ' +
      'On Linux, raise fs.inotify.max_user_watches if the folder is large',
    cause,
  )
