/**
 * Where temp files lie, so that a rename leads from there to their place: in the private folder of the linked folder, or,
 * for what lies on another file system below it, in a private folder at the top of that one. Those are noted before they
 * are used, so that what a crash leaves there is swept, and are taken away when nothing is made in them any more.
 */
import { randomUUID } from 'node:crypto'
import { lstatSync, readdirSync, rmdirSync } from 'node:fs'
import { readdir, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { folderOf } from '@anysync/client/path.ts'
import { SyncError } from '@anysync/protocol/errors.ts'
import { errorCode, isAbsence } from './disk-errors.ts'
import { below, type DiskPaths } from './disk-paths.ts'
import { ensureFolder, isFolder, readPrivateText, tempName, writePrivateText } from './disk-private.ts'
import { privateName } from './refuse-name.ts'

/** Not the name that whoever links that file system itself uses, and sweeps. */
const awayName = 'tmp-above'
/** In the private folder: paths, relative to the linked one, of the folders that have an `awayName`. */
const noteName = 'tmp-elsewhere'
const noteBytesMax = 1024 * 1024
const placesMax = 100

export class TempPlaces {
  readonly #paths: DiskPaths
  readonly #setMtime: (full: string, mtimeNs: bigint) => void
  /** Folders on the linked folder's device into which no rename leads all the same: something is bound there. */
  readonly #bound = new Set<string>()

  constructor(paths: DiskPaths, setMtime: (full: string, mtimeNs: bigint) => void) {
    this.#paths = paths
    this.#setMtime = setMtime
  }

  /**
   * A path that nothing has, for what is to be placed in this folder (relative to the linked one). `missing` without a
   * private folder.
   */
  newPath(folder: string): string {
    return this.newPaths()(folder)
  }

  /** `newPath` for many files that are made at once: where those of one folder lie is found out once. */
  newPaths(): (folder: string) => string {
    const places = new Map<string, string>()
    let usual: string | null = null
    let rootDevice: number | null = null
    const find = (folder: string): string => {
      const top = this.#topOf(folder, () => (rootDevice ??= lstatSync(this.#paths.root).dev))
      const place = top === null ? (usual ??= this.#usualPlace()) : this.#placeAway(top)
      places.set(folder, place)
      return place
    }
    const together = randomUUID()
    let made = 0
    return (folder) => below(places.get(folder) ?? find(folder), `${together}-${made++}`)
  }

  #usualPlace(): string {
    const place = this.#paths.inPrivate(tempName)
    ensureFolder(place)
    return place
  }

  #placeAway(top: string): string {
    const noted = this.#readNote()
    if (!noted.includes(top)) this.#writeNote([...noted, top].slice(-placesMax))
    const mine = join(this.#paths.root, top, privateName)
    const away = join(mine, awayName)
    if (!isFolder(mine) || !isFolder(away))
      this.#keepingTime(top, () => {
        ensureFolder(mine)
        ensureFolder(away)
      })
    return away
  }

  /** A rename to this path was refused, because it leads to another file system: its next temp file shall lie there. */
  crossed(path: string): void {
    this.#bound.add(folderOf(path))
  }

  /** Removes what a crash left, here and elsewhere. A file system that is not there keeps it until it is. */
  async sweep(): Promise<void> {
    await empty(this.#paths.inPrivate(tempName))
    const noted = this.#readNote()
    if (noted.length === 0) return
    const left: string[] = []
    for (const top of noted) if (!(await this.#sweepAway(top))) left.push(top)
    if (left.length < noted.length) this.#writeNote(left)
  }

  /** The top of the file system that a folder lies on; null when that is the linked folder's, or cannot be seen. */
  #topOf(folder: string, rootDevice: () => number): string | null {
    if (folder === '') return null
    if (this.#bound.has(folder)) return folder
    const { root } = this.#paths
    try {
      // Wherever it leads, our own private folder is where nobody else is.
      if (lstatSync(this.#paths.fullOf(folder)).dev === rootDevice()) return null
      const { dev } = lstatSync(this.#paths.fencedFolder('disk.createTemp', folder))
      if (dev === rootDevice()) return null
      let top = folder
      while (top.includes('/') && lstatSync(join(root, folderOf(top))).dev === dev) top = folderOf(top)
      return top
    } catch (error) {
      if (!(error instanceof SyncError) && errorCode(error) === null) throw error
      // Whoever places something there is told what is wrong with it.
      return null
    }
  }

  /** Whether there was something, and is no more. False also while that file system is out, or read-only. */
  async #sweepAway(top: string): Promise<boolean> {
    try {
      const mine = join(this.#paths.fencedFolder('disk.sweepTemp', top), privateName)
      const away = join(mine, awayName)
      if (!isFolder(mine) || !isFolder(away)) return false
      await empty(away)
      rmdirSync(away)
      // Where that file system is linked by itself as well, its private folder holds more.
      if (readdirSync(mine).length === 0) this.#keepingTime(top, () => rmdirSync(mine))
      return true
    } catch (error) {
      if (error instanceof SyncError || errorCode(error) !== null) return false
      throw error
    }
  }

  /** What is ours changes no folder's time: that is the person's, and travels. */
  #keepingTime(top: string, work: () => void): void {
    const full = join(this.#paths.root, top)
    const { mtimeNs } = lstatSync(full, { bigint: true })
    work()
    this.#setMtime(full, mtimeNs)
  }

  #readNote(): string[] {
    const text = readPrivateText(this.#paths, noteName, noteBytesMax) ?? ''
    return text.split('\0').filter((path) => path !== '')
  }

  #writeNote(noted: readonly string[]): void {
    writePrivateText(this.#paths, noteName, noted.join('\0'))
  }
}

const empty = async (folder: string): Promise<void> => {
  let names: string[]
  try {
    names = await readdir(folder)
  } catch (error) {
    if (isAbsence(error)) return
    throw error
  }
  for (const name of names) await unlink(join(folder, name))
}
