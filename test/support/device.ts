/**
 * One device: a home of its own, folders of its own, and the real `anysync` run in it.
 */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Scratch } from './scratch.ts'
import { assertDone, documentsOf, run, start, type Result, type Running, type RunOptions } from './programs.ts'

export type DeviceRun = Omit<Partial<RunOptions>, 'home'>

export type TestDevice = {
  name: string
  home: string
  /** Runs a command to its end, whatever comes of it. */
  run(words: string[], options?: DeviceRun): Promise<Result>
  /** Runs a command that must succeed. */
  done(words: string[], options?: DeviceRun): Promise<Result>
  /** Runs a command that must succeed, and gives the one document that it prints. */
  json<Document>(words: string[], options?: DeviceRun): Promise<Document>
  start(words: string[], options?: DeviceRun): Running
  /** The one account's folder in the home. */
  account(): string
}

/** Every result is told to `onResult`, as it comes. */
export const newDevice = (scratch: Scratch, name: string, onResult?: (result: Result) => void): TestDevice => {
  const home = scratch.folder(`${name}-home`)
  const device: TestDevice = {
    name,
    home,
    run: async (words, options = {}) => {
      const result = await run('anysync', words, { ...options, home })
      onResult?.(result)
      return result
    },
    done: async (words, options) => assertDone(await device.run(words, options)),
    json: async <Document>(words: string[], options?: DeviceRun) => {
      const result = await device.done([...words, '--json'], options)
      const documents = documentsOf(result)
      if (documents.length !== 1) throw new Error(`wanted one document, got ${documents.length}: ${result.stdout}`)
      return documents[0] as Document
    },
    start: (words, options = {}) => start('anysync', words, { ...options, home }),
    account: () => {
      const [account, ...others] = readdirSync(join(home, 'accounts'))
      if (account === undefined || others.length > 0) throw new Error(`${name} has not exactly one account`)
      return join(home, 'accounts', account)
    },
  }
  return device
}

export type Person = { email: string; password: string }

export const ann: Person = { email: 'ann@example.org', password: 'correct horse battery' }

const passwordWords = ['--password-file', '-']

export const signUp = (device: TestDevice, link: string, { email, password }: Person): Promise<Result> =>
  device.run(['signup', link, '--email', email, '--device', device.name, ...passwordWords], { input: `${password}\n` })

export const logIn = (device: TestDevice, link: string, person: Person, more: string[] = []): Promise<Result> =>
  device.run(['login', link, '--email', person.email, '--device', device.name, ...passwordWords, ...more], {
    input: `${person.password}\n`,
  })
