/**
 * Watches a folder by watching every folder in it, as Linux wants it. `fs.watch` can do that by itself there, but it
 * keeps every file in memory, searches all of them at each deletion, and falls silent when folders change names
 * (docs/design.md §14). A folder is watched before it is listed, and told after, so nothing in it is missed in between.
 */
import { lstatSync, statSync, watch, type BigIntStats, type FSWatcher } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { joinPath } from '@anysync/client/path.ts'
import { errorCode } from './disk-errors.ts'
import { privateName } from './refuse-name.ts'
import { changeOf, type Listener, type Lookout } from './watch-listener.ts'
import { EventQueue } from './watch-queue.ts'

type Folder = {
  path: string
  watcher: FSWatcher
  /** Which folder it is, whatever its name; '' when the file system does not say. */
  identity: string
  children: Map<string, Folder>
  /** Names of folders in it that could not be watched. */
  closed: Set<string>
  isForgotten: boolean
}

type WatchFolder = (path: string, hear: (event: string, name: string | null) => void) => FSWatcher

/** Folders that are listed at the same time. */
const listingsMax = 16

export class TreeLookout implements Lookout {
  readonly #root: string
  readonly #listener: Listener
  readonly #queue: EventQueue
  readonly #watchFolder: WatchFolder
  #top: Folder | null = null
  #private: FSWatcher | null = null
  #gap: string | null = null
  #recovery: 'none' | 'running' | 'again' = 'none'

  /** `queue` and `watchFolder` are given by tests alone. */
  constructor(root: string, listener: Listener, queue = EventQueue.ofThisProcess, watchFolder: WatchFolder = watch) {
    this.#watchFolder = watchFolder
    this.#root = root
    this.#listener = listener
    this.#queue = queue
  }

  async open(signal: AbortSignal): Promise<void> {
    const top = this.#watch('', statSync(this.#root, { bigint: true }))
    this.#top = top
    this.#queue.join(this.#recover)
    this.#watchPrivate()
    await this.#lookBelow(top, { isTold: false, isRecovery: false }, signal)
  }

  gap(): string | null {
    return this.#gap
  }

  close(): void {
    this.#queue.leave(this.#recover)
    this.#private?.close()
    this.#private = null
    if (this.#top !== null) forget(this.#top)
    this.#top = null
  }

  #watch(path: string, stat: BigIntStats): Folder {
    const watcher = this.#watchFolder(join(this.#root, path), (event, name) => this.#hear(folder, event, name))
    const folder: Folder = {
      path,
      watcher,
      identity: identityOf(stat),
      children: new Map(),
      closed: new Set(),
      isForgotten: false,
    }
    watcher.on('error', (error) => this.#listener.failed(error))
    return folder
  }

  #hear(folder: Folder, event: string, name: string | null): void {
    this.#queue.count()
    if (folder.isForgotten) return
    // Temp files of ours on another disk.
    if (name === privateName && folder !== this.#top) return
    this.#listener.touched(folder.path)
    if (name === privateName && event === 'rename') this.#watchPrivate()
    if (name === privateName) return
    if (name === null) void this.#lookBelow(folder, { isTold: true, isRecovery: true })
    else if (event === 'rename' || folder.closed.has(name)) {
      const seen = this.#see(folder, name, true)
      if (seen?.isNew === true) void this.#lookBelow(seen.child, { isTold: true, isRecovery: false })
    }
  }

  /** Only for what happens to the marker and to the probe. */
  #watchPrivate(): void {
    const before = this.#private
    this.#private = null
    try {
      this.#private = this.#watchFolder(join(this.#root, privateName), (_event, name) => {
        this.#queue.count()
        const change = changeOf([privateName, name ?? ''])
        if (change === 'probe') this.#listener.probed()
        if (change === 'marker') this.#listener.touched('')
      })
      this.#private.on('error', (error) => this.#listener.failed(error))
    } catch (error) {
      // Without it a probe does not come back, which says more than we could here.
      if (errorCode(error) === null) throw error
    }
    before?.close()
  }

  /** Watches all folders below one that is watched. Rejects only when aborted. */
  async #lookBelow(folder: Folder, how: { isTold: boolean; isRecovery: boolean }, signal?: AbortSignal): Promise<void> {
    const queue = [folder]
    while (queue.length > 0) {
      const found = await Promise.all(queue.splice(-listingsMax).map((folder) => this.#lookInto(folder, how.isTold)))
      signal?.throwIfAborted()
      // What was known before is looked into by who made it known.
      for (const { child, isNew } of found.flat()) if (isNew || how.isRecovery) queue.push(child)
    }
  }

  async #lookInto(folder: Folder, isTold: boolean): Promise<{ child: Folder; isNew: boolean }[]> {
    const names = await foldersIn(join(this.#root, folder.path))
    if (folder.isForgotten) return []
    // Also at those known: what came or went while the names were read is in no list that can be trusted.
    return [...names.union(folder.children)].flatMap((name) => this.#see(folder, name, isTold) ?? [])
  }

  /** Looks at what has a name now, and watches it when it is a folder. Null when it is not, or cannot be watched. */
  #see(parent: Folder, name: string, isTold: boolean): { child: Folder; isNew: boolean } | null {
    const path = joinPath(parent.path, name)
    const known = parent.children.get(name)
    const stat = lstatOrNull(join(this.#root, path))
    const isFolder = stat?.isDirectory() === true
    if (known !== undefined && isFolder && known.identity !== '' && known.identity === identityOf(stat))
      return { child: known, isNew: false }
    if (known !== undefined) forget(known)
    parent.children.delete(name)
    parent.closed.delete(name)
    if (!isFolder) return null
    try {
      const child = this.#watch(path, stat)
      parent.children.set(name, child)
      if (isTold) this.#listener.touched(path)
      return { child, isNew: true }
    } catch (error) {
      this.#noteClosed(parent, name, error)
      return null
    }
  }

  #noteClosed(parent: Folder, name: string, error: unknown): void {
    const code = errorCode(error)
    if (code === null) throw error
    if (code === 'ENOENT' || code === 'ENOTDIR') return
    parent.closed.add(name)
    // One that is closed to us cannot be synced either, and the turn says so.
    if (code !== 'EACCES' && code !== 'EPERM') this.#gap = gapMessage(code)
  }

  /** Some changes were not told, so some folders may not be watched. */
  readonly #recover = (): void => {
    this.#listener.lost()
    if (this.#recovery === 'none') void this.#lookAgain()
    else this.#recovery = 'again'
  }

  async #lookAgain(): Promise<void> {
    do {
      this.#recovery = 'running'
      if (this.#top !== null) await this.#lookBelow(this.#top, { isTold: true, isRecovery: true })
    } while (this.#recovery !== 'running')
    this.#recovery = 'none'
  }
}

const forget = (folder: Folder): void => {
  const queue = [folder]
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    next.isForgotten = true
    next.watcher.close()
    queue.push(...next.children.values())
  }
}

/** Numbers of inodes are used again; the time of birth tells an old one from a new one. */
const identityOf = ({ dev, ino, birthtimeNs }: BigIntStats): string =>
  birthtimeNs === 0n ? '' : `${dev} ${ino} ${birthtimeNs}`

/** Null also for what we may not look at. */
const lstatOrNull = (path: string): BigIntStats | null => {
  try {
    return lstatSync(path, { bigint: true, throwIfNoEntry: false }) ?? null
  } catch (error) {
    if (errorCode(error) === null) throw error
    return null
  }
}

/** None when it is gone or closed to us: its parent shows which. */
const foldersIn = async (path: string): Promise<Set<string>> => {
  try {
    const found = await readdir(path, { withFileTypes: true })
    return new Set(found.filter((child) => child.isDirectory() && child.name !== privateName).map(({ name }) => name))
  } catch (error) {
    if (errorCode(error) === null) throw error
    return new Set()
  }
}

const gapMessage = (code: string): string =>
  code === 'ENOSPC' || code === 'ENOMEM'
    ? 'some folders are not watched, for this system watches no more for this user: raise fs.inotify.max_user_watches. ' +
      'Until then everything is looked at every few minutes'
    : `some folders cannot be watched (${code}), so everything is looked at every few minutes`
