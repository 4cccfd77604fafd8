/**
 * A disk that can be taken out and put back: a file system in memory that stays mounted where nobody looks, so that it
 * keeps what is on it, and is bound to the place where it is used.
 */
import { spawnSync } from 'node:child_process'
import { eventually } from './daemon.ts'
import type { Scratch } from './scratch.ts'
import { mountSmallDisk } from './small-disk.ts'

export type PluggableDisk = Disposable & {
  /** Where its files can be seen also while it is out. */
  path: string
  /** Puts it at a folder, over what is there. */
  plugIn(folder: string): void
  /** Takes it away from that folder, as `umount` does, once no program has anything of it open. */
  takeOut(folder: string): Promise<void>
}

const mebibytes = 64

const must = (program: string, words: string[]): void => {
  const { status, stderr } = spawnSync(program, words, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${program} ${words.join(' ')}: ${stderr}`)
}

/** Whether it is out; it is not while a program has a file of it open, as a daemon has while it looks. */
const takesOut = (folder: string): boolean => {
  const { status, stderr } = spawnSync('umount', [folder], { encoding: 'utf8' })
  if (status !== 0 && !stderr.includes('target is busy')) throw new Error(`umount ${folder}: ${stderr}`)
  return status === 0
}

/** Null where mounting is not permitted. */
export const pluggableDisk = (scratch: Scratch, name: string): PluggableDisk | null => {
  const disk = mountSmallDisk(scratch, name, mebibytes)
  if (disk === null) return null
  const places = new Set<string>()
  const takeOutAll = () => {
    for (const place of places) spawnSync('umount', ['--lazy', place], { stdio: 'ignore' })
    places.clear()
  }
  process.prependOnceListener('exit', takeOutAll)
  return {
    path: disk.path,
    plugIn: (folder) => {
      must('mount', ['--bind', disk.path, folder])
      places.add(folder)
    },
    takeOut: async (folder) => {
      await eventually(
        () => takesOut(folder),
        (isOut) => isOut,
      )
      places.delete(folder)
    },
    [Symbol.dispose]: () => {
      takeOutAll()
      process.removeListener('exit', takeOutAll)
      disk[Symbol.dispose]()
    },
  }
}
