/**
 * The Watcher of Node: `fs.watch`, for each folder on Linux and for all of them in one elsewhere, which is a hint and
 * nothing more. What AnySync itself does in its private folder is not told.
 */
import { constants, statSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { Hints } from '@anysync/client/hints.ts'
import type { Watcher } from '@anysync/client/ports.ts'
import { SyncError } from '@anysync/protocol/errors.ts'
import { attemptAsync, errorCode } from './disk-errors.ts'
import { privateName } from './refuse-name.ts'
import { probeName, type Listener, type Lookout } from './watch-listener.ts'
import { TreeLookout } from './watch-tree.ts'
import { WholeLookout } from './watch-whole.ts'

export type FolderWatcher = Watcher & Disposable

export type LookoutKind = 'tree' | 'whole'

/** One that watches nothing yet. Disposing it ends the watch. */
export const createWatcher = (
  root: string,
  kind: LookoutKind = process.platform === 'linux' ? 'tree' : 'whole',
): FolderWatcher => {
  const hints = new Hints()
  const probing = new Set<() => void>()
  let lookout: Lookout | null = null
  /** The linked folder that is watched. */
  let identity = ''

  const close = (): void => {
    lookout?.close()
    lookout = null
  }
  const listener: Listener = {
    touched: (folder) => hints.touch(folder),
    lost: () => hints.touchAll(),
    failed: (cause) => hints.fail(unwatchable(cause)),
    probed: () => {
      for (const tell of probing) tell()
    },
  }

  return {
    async open(signal) {
      close()
      hints.clear()
      signal.throwIfAborted()
      const opening = kind === 'tree' ? new TreeLookout(root, listener) : new WholeLookout(root, listener)
      lookout = opening
      identity = identityOf(root)
      try {
        await opening.open(signal)
      } catch (error) {
        close()
        throw signal.aborted ? error : unwatchable(error)
      }
    },
    gap: () => lookout?.gap() ?? null,
    isInPlace: () => identityOf(root) === identity,
    nextHint: (signal) => hints.next(signal),
    async probe(signal) {
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      const abort = (): void => reject(signal.reason)
      signal.throwIfAborted()
      signal.addEventListener('abort', abort, { once: true })
      probing.add(resolve)
      try {
        await Promise.all([promise, touchProbe(root)])
      } finally {
        probing.delete(resolve)
        signal.removeEventListener('abort', abort)
      }
    },
    [Symbol.dispose]: close,
  }
}

/** Which folder lies at the root; '' when none does, or none that can be seen. */
const identityOf = (root: string): string => {
  try {
    const { dev, ino } = statSync(root, { bigint: true })
    return `${dev} ${ino}`
  } catch (error) {
    if (errorCode(error) === null) throw error
    return ''
  }
}

/** Never makes the private folder: where it is missing, another folder lies than the one that was linked. */
const touchProbe = (root: string): Promise<void> =>
  attemptAsync('watcher.probe', async () => {
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_NOFOLLOW
    await using file = await open(join(root, privateName, probeName), flags, 0o600)
    // Not its bytes: a full disk must not make a watcher look deaf.
    const now = new Date()
    await file.utimes(now, now)
  })

const advice: Record<string, string> = {
  ENOSPC: 'this system watches no more folders for this user: raise fs.inotify.max_user_watches',
  EMFILE: 'this system gives this user no more watchers: raise fs.inotify.max_user_instances',
}

/** What an error of the system means for who wants to watch. Without that error, which would tell names. */
export const unwatchable = (cause: unknown): SyncError => {
  const code = errorCode(cause)
  if (code === null) throw cause
  const operation = 'watcher.watch'
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    const message = 'the linked folder is not there, so it cannot be watched: bring it back'
    return new SyncError(operation, 'missing', message)
  }
  const reason = advice[code] ?? `this folder cannot be watched for changes (${code})`
  return new SyncError(operation, 'unavailable', `${reason}; until then it is looked at every few minutes`)
}
