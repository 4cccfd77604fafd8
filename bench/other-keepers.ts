/**
 * The programs that we compare with, as people use them for a local repository: no server and no network. Those that are
 * not installed are left out. Debian: `apt-get install restic borgbackup rclone`.
 */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Scratch } from '../test/support/scratch.ts'
import { bytesBelow } from '../test/support/server.ts'
import type { Keeper, KeeperMaker, Step } from './keeper.ts'
import { watchCost } from './process-cost.ts'

type Command = { program: string; words: string[]; cwd?: string }

const password = 'correct horse battery'

/** Runs one to its end. Nothing but its own home and a password of the bench is in its environment. */
const run = async (home: string, { program, words, cwd = home }: Command): Promise<Step> => {
  const startedMs = performance.now()
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    RESTIC_PASSWORD: password,
    BORG_PASSPHRASE: password,
    BORG_BASE_DIR: home,
  }
  const child = spawn(program, words, { cwd, env, stdio: ['ignore', 'ignore', 'pipe'] })
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  using watch = watchCost(child.pid ?? 0)
  const [exitCode] = (await once(child, 'close')) as [number | null]
  const ms = performance.now() - startedMs
  if (exitCode !== 0) throw new Error(`${program} ${words.join(' ')}: ${exitCode}\n${stderr}`)
  return { ...watch.last(), ms, server: null }
}

const isInstalled = (program: string): boolean =>
  spawnSync(program, ['version'], { stdio: 'ignore' }).error === undefined

type Recipe = {
  begin(home: string, store: string): Promise<unknown>
  push(store: string, source: string, round: number): Command
  restore(store: string, to: string, round: number): Command
}

const keeperOf = (name: string, recipe: Recipe): KeeperMaker => ({
  name,
  open: async (scratch: Scratch, source: string): Promise<Keeper> => {
    const home = scratch.folder(`${name} home`)
    const store = join(scratch.path, `${name} store`)
    await recipe.begin(home, store)
    let round = 0
    return {
      push: () => run(home, recipe.push(store, source, ++round)),
      restore: (to) => run(home, recipe.restore(store, to, round)),
      storedBytes: () => bytesBelow(store),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    }
  },
})

const restic: Recipe = {
  begin: (home, store) => run(home, { program: 'restic', words: ['init', '--repo', store] }),
  push: (store, source) => ({ program: 'restic', words: ['backup', '--repo', store, '.'], cwd: source }),
  restore: (store, to) => ({ program: 'restic', words: ['restore', 'latest', '--repo', store, '--target', to] }),
}

const borg = (compression: string): Recipe => ({
  begin: (home, store) => run(home, { program: 'borg', words: ['init', '--encryption', 'repokey-blake2', store] }),
  push: (store, source, round) => ({
    program: 'borg',
    words: ['create', '--compression', compression, `${store}::${round}`, '.'],
    cwd: source,
  }),
  restore: (store, to, round) => ({ program: 'borg', words: ['extract', `${store}::${round}`], cwd: to }),
})

const rcloneWords = (words: string[]): string[] => [...words, '--config', 'rclone.conf', '--transfers', '4']

const rclone: Recipe = {
  begin: (folder, store) => {
    mkdirSync(store)
    const { stdout } = spawnSync('rclone', ['obscure', password], { encoding: 'utf8' })
    writeFileSync(join(folder, 'rclone.conf'), `[kept]\ntype = crypt\nremote = ${store}\npassword = ${stdout.trim()}\n`)
    return Promise.resolve()
  },
  push: (_store, source) => ({ program: 'rclone', words: rcloneWords(['sync', source, 'kept:']) }),
  restore: (_store, to) => ({ program: 'rclone', words: rcloneWords(['copy', 'kept:', to]) }),
}

/** No program for anybody: the work itself, as a limit. */
const bare: Recipe = {
  begin: (_home, store) => Promise.resolve(mkdirSync(store)),
  push: (store, source) => ({ program: process.execPath, words: [bareProgram, 'push', store, source] }),
  restore: (store, to) => ({ program: process.execPath, words: [bareProgram, 'restore', store, to] }),
}
const bareProgram = join(import.meta.dirname, 'bare.ts')

export const bareKeeper = keeperOf('the bare work', bare)

/** All that are installed. */
export const otherKeepers = (): KeeperMaker[] => [
  ...(isInstalled('restic') ? [keeperOf('restic', restic)] : []),
  ...(isInstalled('borg') ? [keeperOf('borg lz4', borg('lz4')), keeperOf('borg zstd,1', borg('zstd,1'))] : []),
  ...(isInstalled('rclone') ? [keeperOf('rclone crypt', rclone)] : []),
]
