/**
 * A temporary folder for one test, gone when the test is over however it ends.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export type Scratch = Disposable & {
  path: string
  /** Makes a folder in it and returns its path. */
  folder(name: string): string
  /** Leaves it for a person to look at. */
  keep(): void
}

const open = new Set<string>()
const remove = (path: string) => rmSync(path, { recursive: true, force: true, maxRetries: 3 })

// A test that throws where no `using` is left still leaves nothing behind.
process.once('exit', () => {
  for (const path of open) remove(path)
})

export const makeScratch = (name: string): Scratch => {
  const path = mkdtempSync(join(tmpdir(), `anysync-${name}-`))
  open.add(path)
  return {
    path,
    folder: (name) => {
      const folder = join(path, name)
      mkdirSync(folder, { recursive: true })
      return folder
    },
    keep: () => void open.delete(path),
    [Symbol.dispose]: () => {
      if (open.delete(path)) remove(path)
    },
  }
}
