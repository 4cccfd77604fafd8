/**
 * Watches a folder with all that is below it in one call, as macOS and Windows do by themselves.
 */
import { watch, type FSWatcher } from 'node:fs'
import { lstat, readdir, stat } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { joinPath } from '@anysync/client/path.ts'
import { errorCode } from './disk-errors.ts'
import { changeOf, type Listener, type Lookout } from './watch-listener.ts'

export class WholeLookout implements Lookout {
  readonly #root: string
  readonly #listener: Listener
  #watcher: FSWatcher | null = null

  constructor(root: string, listener: Listener) {
    this.#root = root
    this.#listener = listener
  }

  async open(signal: AbortSignal): Promise<void> {
    await stat(this.#root)
    signal.throwIfAborted()
    this.#watcher = watch(this.#root, { recursive: true }, (event, name) => this.#hear(event, name))
    this.#watcher.on('error', (error) => this.#listener.failed(error))
  }

  gap(): null {
    return null
  }

  close(): void {
    this.#watcher?.close()
    this.#watcher = null
  }

  #hear(event: string, name: string | null): void {
    if (name === null) {
      this.#listener.lost()
      return
    }
    const names = name.split(sep)
    switch (changeOf(names)) {
      case 'probe':
        this.#listener.probed()
        return
      case 'private':
        return
      case 'marker':
        this.#listener.touched('')
        return
      case 'folder':
        this.#listener.touched(names.slice(0, -1).join('/'))
        if (event === 'rename') void this.#tellBelow(names.join('/'))
    }
  }

  /** Tells of a folder that came, and of all folders below it. */
  async #tellBelow(path: string): Promise<void> {
    try {
      const stats = await lstat(join(this.#root, path))
      if (!stats.isDirectory()) return
      const queue = [path]
      for (let folder = queue.pop(); folder !== undefined && this.#watcher !== null; folder = queue.pop()) {
        this.#listener.touched(folder)
        for (const child of await readdir(join(this.#root, folder), { withFileTypes: true })) {
          if (child.isDirectory()) queue.push(joinPath(folder, child.name))
        }
      }
    } catch (error) {
      if (errorCode(error) === null) throw error
      // It is gone again or closed to us: its parent, which was told, shows which.
    }
  }
}
