/**
 * What most tests begin with: a server, a person with an account on it, and devices that share one vault.
 */
import { cpSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import { openLinkEngine } from '@anysync/cli/engines.ts'
import { linkFolder } from '@anysync/cli/link-folder.ts'
import { openSession } from '@anysync/cli/session.ts'
import { ann, logIn, newDevice, signUp, type Person, type TestDevice } from './device.ts'
import { assertDone, type Result } from './programs.ts'
import { makeScratch, type Scratch } from './scratch.ts'
import { filesBelow, startServer, type ServerOptions, type StoppedServer, type TestServer } from './server.ts'

export const vaultName = 'photos'

export type Household = AsyncDisposable & {
  server: TestServer
  person: Person
  /** What the person was sent: later devices log in by it. */
  link: string
  desk: TestDevice
  laptop: TestDevice
  /** The folder of each that is linked to the vault. */
  deskFolder: string
  laptopFolder: string
}

export type HouseholdOptions = { server?: ServerOptions; person?: Person; onResult?: (result: Result) => void }

/** Both devices are signed in; nothing is linked yet. Copies of the usual one share a port: one at a time in a process. */
export const makeHousehold = async (scratch: Scratch, options: HouseholdOptions = {}): Promise<Household> => {
  const { person = ann, onResult } = options
  const isUsual = person === ann && onResult === undefined
  const first = isUsual ? await (usual ??= makeUsual()) : null
  const server = await startServer(scratch, { ...options.server, ...(first === null ? {} : { copyOf: first.server }) })
  const link = first?.link ?? (await server.invite())
  const desk = newDevice(scratch, 'desk', onResult)
  const laptop = newDevice(scratch, 'laptop', onResult)
  if (first === null) await signInBoth(desk, laptop, link, person)
  else {
    cpSync(first.deskHome, desk.home, { recursive: true })
    cpSync(first.laptopHome, laptop.home, { recursive: true })
  }
  return {
    server,
    person,
    link,
    desk,
    laptop,
    deskFolder: scratch.folder('desk'),
    laptopFolder: scratch.folder('laptop'),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

const signInBoth = async (desk: TestDevice, laptop: TestDevice, link: string, person: Person): Promise<void> => {
  assertDone(await signUp(desk, link, person))
  assertDone(await logIn(laptop, link, person))
}

/** What a test process makes once, and copies for each of its households: four commands fewer. */
type Usual = { server: StoppedServer; link: string; deskHome: string; laptopHome: string }

let usual: Promise<Usual> | null = null

/** Stays until the process ends. */
const makeUsual = async (): Promise<Usual> => {
  const scratch = makeScratch('usual')
  await using server = await startServer(scratch)
  const link = await server.invite()
  const desk = newDevice(scratch, 'desk')
  const laptop = newDevice(scratch, 'laptop')
  await signInBoth(desk, laptop, link, ann)
  await server.stop()
  return { server: { home: server.home, port: server.port() }, link, deskHome: desk.home, laptopHome: laptop.home }
}

/**
 * Creates the vault from the desk's folder and links the laptop's to it; both are in step afterwards. As the commands do it,
 * but in this process: most tests begin so, and four starts of a program take longer than some of them.
 */
export const linkBoth = async (house: Household): Promise<void> => {
  await linkHere(house.desk, house.deskFolder, true)
  await linkLaptop(house)
}

/** Links the laptop's folder to the vault, and brings it in step. */
export const linkLaptop = ({ laptop, laptopFolder }: Household): Promise<void> => linkHere(laptop, laptopFolder, false)

const linkHere = async ({ name, home }: TestDevice, folder: string, create: boolean): Promise<void> => {
  await using session = await openSession({ home }, true)
  const { link } = await linkFolder(session, folder, home, { vault: vaultName, create, mode: 'sync' })
  const { engine } = await openLinkEngine(session, link)
  const report = await engine.turn()
  if (!report.isSettled) throw new Error(`${name} did not settle: ${JSON.stringify(report.troubles)}`)
}

type Counts = { files: number; folders: number; symlinks: number; removed: number; bytes: number }

/** What `anysync sync --json` says of one folder. */
export type SyncReport = {
  folder: string
  pulled: Counts
  pushed: Counts
  conflicts: string[]
  troubles: { path: string; kind: string; message: string }[]
  waiting: { deletions: number; scrambled: number; files: number } | null
  isSettled: boolean
  sequence: number
  snapshots: number
  bytesUploaded: number
}

/** What `anysync sync --json` says of the one folder that the device has. */
export const reportOf = (document: unknown): SyncReport => {
  const { folders } = document as { folders: SyncReport[] }
  const [report, ...others] = folders
  if (report === undefined || others.length > 0) throw new Error(`wanted one folder, got ${folders.length}`)
  return report
}

/** One whole turn, which must settle. */
export const sync = async (device: TestDevice, timeoutMs = 120_000): Promise<SyncReport> => {
  const report = reportOf(await device.json(['sync'], { timeoutMs }))
  if (!report.isSettled) throw new Error(`${device.name} did not settle: ${JSON.stringify(report)}`)
  return report
}

/** Turns in turn until both devices have seen everything. */
export const syncAll = async (...devices: TestDevice[]): Promise<void> => {
  for (const device of [...devices, ...devices.slice(0, -1)]) await sync(device)
}

/** What a crash could have left where nobody looks: temporary files, and keys that were not yet renamed. */
export const litterOf = ({ server, desk, laptop, deskFolder, laptopFolder }: Household): string[] =>
  [
    join(deskFolder, '.anysync/tmp'),
    join(laptopFolder, '.anysync/tmp'),
    join(server.home, 'objects/.incoming'),
    join(desk.home, 'accounts'),
    join(laptop.home, 'accounts'),
  ].flatMap((folder) => (existsSync(folder) ? filesBelow(folder).filter((path) => !isKept.test(path)) : []))

const isKept = /\/accounts\/[0-9a-f]{32}\/(master\.keys|access\.keys|state\.db|lock\.db)$/
