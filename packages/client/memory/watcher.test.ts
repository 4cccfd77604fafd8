/** The memory watcher keeps the promises of Watcher. */
import { createMemoryWatcher } from './watcher.ts'
import { watcherSuite } from './watcher.suite.ts'

watcherSuite('memory watcher', () => {
  const watcher = createMemoryWatcher()
  return Promise.resolve({
    watcher,
    change: () => {
      watcher.tell()
      return Promise.resolve()
    },
    close: () => Promise.resolve(),
  })
})
