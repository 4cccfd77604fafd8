/**
 * A disk that is soon full: a file system in memory of a few MiB, where this user may mount one.
 */
import { spawnSync } from 'node:child_process'
import type { Scratch } from './scratch.ts'

export type SmallDisk = Disposable & {
  path: string
  /** Gives it another size while it is in use. */
  resize(mebibytes: number): void
}

const sized = (mebibytes: number): string => `size=${mebibytes}m,mode=0700`

/** Null where it is not permitted. */
export const mountSmallDisk = (scratch: Scratch, name: string, mebibytes: number): SmallDisk | null => {
  const path = scratch.folder(name)
  if (process.platform !== 'linux') return null
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', sized(mebibytes), 'tmpfs', path]).status !== 0) return null
  const unmount = () => void spawnSync('umount', ['--lazy', path], { stdio: 'ignore' })
  process.prependOnceListener('exit', unmount)
  return {
    path,
    resize: (mebibytes) => {
      const { status, stderr } = spawnSync('mount', ['-o', `remount,${sized(mebibytes)}`, path])
      if (status !== 0) throw new Error(`the disk cannot be resized: ${stderr.toString()}`)
    },
    [Symbol.dispose]: () => {
      unmount()
      process.removeListener('exit', unmount)
    },
  }
}
