/** The memory watcher keeps the promises of Watcher. */
import { SyncError } from '@anysync/protocol/errors.ts'
import { createMemoryWatcher } from './watcher.ts'
import { replacedFolderSuite, watcherSuite, type WatchedFolder } from './watcher.suite.ts'

const isIn = (folder: string) => (path: string) => path === folder || path.startsWith(`${folder}/`)

const openFolder = (): Promise<WatchedFolder> => {
  const watcher = createMemoryWatcher()
  let folders = ['a', 'a/b']
  const come = (path: string, below: string[]): void => {
    folders.push(path, ...below)
    watcher.tell(path, below)
  }
  const go = (path: string): string[] => {
    const gone = folders.filter(isIn(path))
    folders = folders.filter((folder) => !gone.includes(folder))
    watcher.tell(path)
    return gone
  }
  return Promise.resolve({
    watcher,
    write: async (path) => watcher.tell(path),
    makeFolder: async (path) => come(path, []),
    move: async (from, to) => {
      const [, ...below] = go(from)
      const moved = below.map((path) => to + path.slice(from.length))
      come(to, moved)
    },
    remove: async (path) => void go(path),
    writePrivately: async () => undefined,
    takeAway: async () => watcher.refuse(new SyncError('watcher.watch', 'missing', 'the linked folder is not there')),
    bringBack: async () => watcher.refuse(null),
    close: async () => undefined,
  })
}

watcherSuite('memory watcher', openFolder)
replacedFolderSuite('memory watcher', openFolder)
