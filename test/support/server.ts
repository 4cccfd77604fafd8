/**
 * A real server on a free port of this machine, in a home of its own.
 */
import assert from 'node:assert/strict'
import { cpSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { assertDone, documentsOf, run, start, type Running } from './programs.ts'
import type { Scratch } from './scratch.ts'

export type TestServer = AsyncDisposable & {
  home: string
  /** https://HOST:PORT; the port stays the same when it starts again. */
  url(): string
  port(): number
  /** Of the running process, 0 when there is none. */
  pid(): number
  /** Starts, and resolves when it answers. */
  start(): Promise<void>
  /** Ends it as an operator would. */
  stop(): Promise<void>
  /** Ends it as a power cut would. */
  kill(): Promise<void>
  /** Nothing, when it does not run. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void
  isRunning(): boolean
  invite(...words: string[]): Promise<string>
  /** All that it ever wrote, of every run. */
  written(): string
  /** Bytes of all packs on its disk. */
  objectBytes(): number
}

export type ServerOptions = {
  name?: string
  settings?: string
  /** How long it may run at a time; a bench takes hours. */
  runMsMax?: number
  /** What it begins as; else it is new. */
  copyOf?: StoppedServer
}

/** A server's home while nothing runs in it, and the port that its devices know. */
export type StoppedServer = { home: string; port: number }

const runMsMaxDefault = 900_000

/** A new home with a running server. `settings`: what is added to its server.toml. */
export const startServer = async (scratch: Scratch, options: ServerOptions = {}): Promise<TestServer> => {
  const { name = 'server', settings = '', runMsMax = runMsMaxDefault, copyOf } = options
  const home = scratch.folder(name)
  const words = ['--host', '127.0.0.1']
  if (copyOf === undefined) assertDone(await run('anysync-server', ['init', '--port', '0', ...words], { home }))
  else cpSync(copyOf.home, home, { recursive: true })
  const config = join(home, 'server.toml')
  writeFileSync(config, `${settings}\n${readFileSync(config, 'utf8')}`)

  let process: Running | null = null
  let port = copyOf?.port ?? 0
  let before = ''
  const ended = async (signal: NodeJS.Signals) => {
    if (process === null) return
    process.kill(signal)
    await process.result
    const { stdout, stderr } = process.written()
    before += stdout + stderr
    process = null
  }
  const server: TestServer = {
    home,
    url: () => `https://127.0.0.1:${port}`,
    port: () => port,
    pid: () => process?.pid ?? 0,
    start: async () => {
      assert.equal(process, null, 'the server runs already')
      process = start('anysync-server', ['start', '--port', String(port), ...words], { home, timeoutMs: runMsMax })
      const [, found] = await process.line(/^ready https:\/\/127\.0\.0\.1:(\d+)$/)
      port = Number(found)
    },
    stop: () => ended('SIGTERM'),
    kill: () => ended('SIGKILL'),
    signal: (signal) => process?.kill(signal),
    isRunning: () => process !== null,
    invite: async (...more) => {
      const result = await run('anysync-server', ['invite', '--json', ...more], { home })
      const [made] = documentsOf(assertDone(result)) as [{ link: string }]
      return made.link
    },
    written: () => {
      const { stdout = '', stderr = '' } = process?.written() ?? {}
      return before + stdout + stderr
    },
    objectBytes: () => bytesBelow(join(home, 'objects')),
    [Symbol.asyncDispose]: () => ended('SIGKILL'),
  }
  await server.start()
  return server
}

/** The sum of the sizes of all files in a folder and below. */
export const bytesBelow = (folder: string): number =>
  filesBelow(folder).reduce((sum, path) => sum + statSync(path).size, 0)

/** Every regular file in a folder and below, as absolute paths. */
export const filesBelow = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((found) => found.isFile())
    .map((found) => join(found.parentPath, found.name))
