/**
 * The least that a program in this runtime does for a push and a restore, as the limit beside what is measured: files are
 * read, hashed, compressed with their neighbours, sealed and flushed in packs, and the way back, in threads, by plain
 * calls. No server, database, tree, deduplication or progress, and no care for what goes wrong: it is nobody's program.
 *
 *     node bench/bare.ts push STORE SOURCE
 *     node bench/bare.ts restore STORE TO
 */
import { lstatSync, mkdirSync, readdirSync, readFileSync, renameSync, rmdirSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { asideOf, type File, type Index, type Pack, type Portion, type Task } from './bare-index.ts'

const indexOf = (store: string): string => join(store, 'index.json')

const inThreads = async (task: Omit<Task, 'counter'>): Promise<Pack[]> => {
  const counter = new Int32Array(new SharedArrayBuffer(4))
  const packs = await Promise.all(
    Array.from({ length: availableParallelism() }, async () => {
      const worker = new Worker(new URL('bare-thread.ts', import.meta.url), { workerData: { ...task, counter } })
      const { promise, resolve, reject } = Promise.withResolvers<Pack[]>()
      worker.once('message', resolve).once('error', reject)
      return await promise
    }),
  )
  return packs.flat()
}

const walk = (root: string): Pick<Index, 'folders' | 'files'> => {
  const folders = ['']
  const files: File[] = []
  for (const folder of folders) {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`
      if (entry.isDirectory()) folders.push(path)
      else if (entry.isFile()) {
        const { size, mode, mtimeMs } = lstatSync(join(root, path))
        files.push({ path, size, mode, mtimeMs })
      }
    }
  }
  return { folders, files }
}

const portionBytes = 8 * 1024 * 1024

const portionsOf = (files: File[]): Portion[] =>
  files.flatMap(({ size }, file) =>
    Array.from({ length: Math.max(1, Math.ceil(size / portionBytes)) }, (_, i) => {
      const offset = i * portionBytes
      return { file, offset, length: Math.min(portionBytes, size - offset) }
    }),
  )

const push = async (store: string, source: string): Promise<void> => {
  mkdirSync(store, { recursive: true })
  const { folders, files } = walk(source)
  const before = readIndex(store)
  if (before !== null && JSON.stringify(before.files) === JSON.stringify(files)) return
  const index = { folders, files, packs: [] }
  const packs = await inThreads({ job: 'push', store, folder: source, index, portions: portionsOf(files) })
  writeFileSync(indexOf(store), JSON.stringify({ folders, files, packs } satisfies Index), { flush: true })
}

const restore = async (store: string, to: string): Promise<void> => {
  const index = readIndex(store)
  if (index === null) throw new Error(`there is nothing in ${store}`)
  for (const folder of index.folders) mkdirSync(join(to, folder), { recursive: true })
  const aside = asideOf(to)
  mkdirSync(aside)
  await inThreads({ job: 'restore', store, folder: to, index, portions: [] })
  const parts = index.packs.flatMap(({ segments }) => segments.flatMap(({ pieces }) => pieces))
  const large = new Set(parts.filter(({ isWhole }) => !isWhole).map(({ file }) => file))
  for (const file of large) renameSync(join(aside, `${file}`), join(to, index.files[file]?.path ?? ''))
  rmdirSync(aside)
}

const readIndex = (store: string): Index | null => {
  try {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by this program a moment ago
    return JSON.parse(readFileSync(indexOf(store), 'utf8')) as Index
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
    throw error
  }
}

const [job, store, folder] = process.argv.slice(2)
if (store === undefined || folder === undefined) throw new Error('what, where and of what?')
if (job === 'push') await push(store, folder)
else await restore(store, folder)
