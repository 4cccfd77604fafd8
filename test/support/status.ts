/**
 * What `anysync status --json` says of the one folder that a device has.
 */
import { setTimeout as wait } from 'node:timers/promises'
import type { TestDevice } from './device.ts'

export type FolderStatus = {
  folder: string
  state: string
  reason: string
  sequence: number
  files: number
  waiting: { deletions: number; scrambled: number; files: number } | null
  troubles: { path: string; message: string }[]
}

export const statusOf = async (device: TestDevice): Promise<FolderStatus> => {
  const { folders } = await device.json<{ folders: FolderStatus[] }>(['status'])
  const [status, ...others] = folders
  if (status === undefined || others.length > 0) throw new Error(`wanted one folder, got ${folders.length}`)
  return status
}

const askAgainMs = 300

/** Without a daemon a folder is in step as of its last turn, with one it is up to date. Asks until both say that they are in step, at the same snapshot. `isSo` is false when they did not within the time. */
export const inStep = async (
  devices: TestDevice[],
  msMax: number,
): Promise<{ statuses: FolderStatus[]; isSo: boolean }> => {
  const untilMs = performance.now() + msMax
  for (;;) {
    const statuses = await Promise.all(devices.map(statusOf))
    const sequences = new Set(statuses.map(({ sequence }) => sequence))
    const isSo = sequences.size === 1 && statuses.every(({ state }) => state === 'in-step' || state === 'up-to-date')
    if (isSo || performance.now() > untilMs) return { statuses, isSo }
    await wait(askAgainMs)
  }
}
