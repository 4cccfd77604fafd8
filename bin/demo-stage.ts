/**
 * The stage of the demonstration: a temporary folder, the programs as a person would type them, and the curtain, after
 * which no process and no file is left, however the play ends.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const projectRoot = fileURLToPath(new URL('..', import.meta.url))

type Program = 'anysync' | 'anysync-server'

/** What went wrong, in one sentence. */
export class DemoError extends Error {}

const isColourful = process.stdout.isTTY && process.env['NO_COLOR'] === undefined
const dressed = (code: number, text: string): string => (isColourful ? `\u001b[${code}m${text}\u001b[0m` : text)
const startedMs = performance.now()

export const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`

export const say = (text: string): void => void process.stdout.write(text === '' ? '\n' : `   ${text}\n`)

/** A scene and when it begins. */
export const headline = (text: string): void => {
  const clock = seconds(performance.now() - startedMs).padStart(7)
  process.stdout.write(`\n${dressed(1, text)}${dressed(2, clock.padStart(Math.max(8, 72 - text.length)))}\n`)
}

/** A line as it would be typed, and on which device. */
export const command = (where: string, line: string): void =>
  say(dressed(36, `${where === '' ? '' : `${where} `}$ ${line}`))

/** When the curtain has fallen, the play stops where it is. */
const never = (): Promise<never> => new Promise(() => undefined)

export class Stage {
  readonly folder = mkdtempSync(join(tmpdir(), 'anysync-demo-'))
  readonly #children = new Set<ChildProcess>()
  #isOver = false

  constructor() {
    for (const [signal, number] of [
      ['SIGINT', 2],
      ['SIGTERM', 15],
      ['SIGHUP', 1],
    ] as const) {
      process.once(signal, () => void this.close().then(() => process.exit(128 + number)))
    }
    // As when the reader of `demo.sh | head` has seen enough.
    process.stdout.on('error', () => void this.close().then(() => process.exit(1)))
  }

  path(...names: string[]): string {
    return join(this.folder, ...names)
  }

  make(name: string): string {
    const path = this.path(name)
    mkdirSync(path, { recursive: true })
    return path
  }

  /** Runs a program to its end and returns what it answered. Throws a DemoError when it fails. */
  async run(program: Program, words: string[], home: string, input = ''): Promise<string> {
    if (this.#isOver) return await never()
    const child = this.#spawn(program, words, home)
    let [output, trouble] = ['', '']
    child.stdout?.on('data', (bytes: Buffer) => (output += bytes.toString()))
    child.stderr?.on('data', (bytes: Buffer) => (trouble += bytes.toString()))
    child.stdin?.on('error', () => undefined)
    child.stdin?.end(input)
    const [exitCode] = await once(child, 'close')
    if (this.#isOver) return await never()
    if (exitCode !== 0) throw new DemoError(`'${program} ${words[0] ?? ''}' failed: ${trouble.trim() || output.trim()}`)
    return output
  }

  /** Starts a server and resolves with its address when it answers. */
  async serve(home: string): Promise<string> {
    if (this.#isOver) return await never()
    const child = this.#spawn('anysync-server', ['start', '--port', '0', '--host', '127.0.0.1'], home)
    let output = ''
    let trouble = ''
    child.stderr?.on('data', (bytes: Buffer) => (trouble += bytes.toString()))
    const ended = once(child, 'close').then((): never => {
      throw new DemoError(`the server does not start: ${trouble.trim()}`)
    })
    // The curtain ends it too, when nobody waits for it any more.
    ended.catch(() => undefined)
    const ready = new Promise<string>((resolve) => {
      child.stdout?.on('data', (bytes: Buffer) => {
        output += bytes.toString()
        const [, url] = /^ready (\S+)$/m.exec(output) ?? []
        if (url !== undefined) resolve(url)
      })
    })
    return Promise.race([ready, ended])
  }

  #spawn(program: Program, words: string[], home: string): ChildProcess {
    const child = spawn(join(projectRoot, 'bin', program), [...words, '--home', this.make(home)], {
      stdio: ['pipe', 'pipe', 'pipe'],
      // What a daemon needs beside its home is cleaned up with the rest.
      env: { ...process.env, XDG_RUNTIME_DIR: this.folder },
    })
    this.#children.add(child)
    child.once('close', () => this.#children.delete(child))
    return child
  }

  /** Ends every process, then removes every file. May be called twice. */
  async close(): Promise<void> {
    this.#isOver = true
    const ends = [...this.#children].map((child) => once(child, 'close'))
    for (const child of this.#children) child.kill('SIGKILL')
    await Promise.all(ends)
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 })
  }
}
