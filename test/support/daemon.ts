/**
 * The daemon of a test's device: where it is, how it stands, and that none outlives its test.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { TestDevice } from './device.ts'

/** What `anysync status --json` says, as far as tests read it. */
export type FolderStatus = {
  folder: string
  state: string
  reason: string
  sequence: number
  files: number
  lastTurn: string | null
  lastScan: string | null
  progress: { phase: string; current: { path: string }[] } | null
  watcher: { isHealthy: boolean; message: string } | null
  server: { isReached: boolean; message: string } | null
  areRootsSame: boolean | null
  alarm: { message: string } | null
  waiting: { deletions: number; scrambled: number; files: number } | null
  troubles: { path: string; kind: string; message: string }[]
}

export type Status = { daemon: { state: string; pid: number | null }; folders: FolderStatus[] }

export const statusOf = (device: TestDevice): Promise<Status> => device.json<Status>(['status'])

/** Of the one folder that the device has. */
export const folderStatus = async (device: TestDevice): Promise<FolderStatus> => {
  const { folders } = await statusOf(device)
  const [folder, ...others] = folders
  if (folder === undefined || others.length > 0) throw new Error(`wanted one folder, got ${folders.length}`)
  return folder
}

/** A look that starts a program takes of the machine what is looked at needs: the wait is as long as the look. */
const lookMsMin = 50
const patienceMs = 45_000

/** Looks until it is so; throws with the last look when it is not so for too long. */
export const eventually = async <Seen>(
  look: () => Seen | Promise<Seen>,
  isSo: (seen: Seen) => boolean,
): Promise<Seen> => {
  const startedMs = performance.now()
  for (;;) {
    const lookedMs = performance.now()
    const seen = await look()
    if (isSo(seen)) return seen
    if (performance.now() - startedMs > patienceMs) throw new Error(`it did not come to that: ${JSON.stringify(seen)}`)
    await wait(Math.max(lookMsMin, performance.now() - lookedMs))
  }
}

export const untilState = (device: TestDevice, state: string): Promise<FolderStatus> =>
  eventually(
    () => folderStatus(device),
    (folder) => folder.state === state,
  )

/** The process that the device's home names, whether or not it lives. */
export const pidOf = (device: TestDevice): number | null => {
  const file = join(device.account(), 'daemon.pid')
  return existsSync(file) ? Number(readFileSync(file, 'utf8').split('\n')[0]) : null
}

export const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false // No such process.
  }
}

/** Ends it as a power cut would, and waits until it is gone. */
export const killDaemon = async (device: TestDevice): Promise<void> => {
  const pid = pidOf(device)
  if (pid === null || !isAlive(pid)) return
  process.kill(pid, 'SIGKILL')
  await eventually(
    () => isAlive(pid),
    (alive) => !alive,
  )
}

/** Whatever a test starts on these devices ends with it, however it ends. */
export const daemonsOf = (...devices: TestDevice[]): AsyncDisposable => {
  const killNow = () => {
    for (const device of devices) {
      const pid = pidOf(device)
      if (pid !== null && isAlive(pid)) process.kill(pid, 'SIGKILL')
    }
  }
  process.prependOnceListener('exit', killNow)
  return {
    [Symbol.asyncDispose]: async () => {
      for (const device of devices) await killDaemon(device)
      process.removeListener('exit', killNow)
    },
  }
}
