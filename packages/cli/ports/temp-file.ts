/**
 * A file being made in a private folder. It has a name of its own there, so what a crash leaves behind can be swept.
 */
import { constants, lstatSync } from 'node:fs'
import { open, unlink, type FileHandle } from 'node:fs/promises'
import type { DiskStat, TempFile } from '@anysync/client/ports.ts'
import { assert, demand } from '@anysync/protocol/errors.ts'
import { MiB } from '@anysync/protocol/limits.ts'
import { attempt, attemptAsync, errorCode } from './disk-errors.ts'
import { toDiskStat } from './disk-read.ts'

/** What a temp file needs of its Disk. */
export type TempOptions = {
  setMtime: (path: string, mtimeNs: bigint) => void
  /** When the Disk cannot flush many files at once. */
  isSyncedAtFinish: boolean
  whenFinished: (path: string) => void
}

/** `path`: where nothing is. */
export const createNodeTemp = async (path: string, options: TempOptions): Promise<NodeTempFile> =>
  new NodeTempFile(path, await open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600), options)

/** So many bytes are flushed while the next are written: by itself the system begins with the first when all have come. */
const flushedBytes = 64 * MiB

/** Runs of zeros of this length are not written: a file that was sparse must not fill the disk. */
const holeBytes = 64 * 1024
const zeros = Buffer.alloc(holeBytes)

/** The parts of the bytes that are to be written: all but whole blocks of zeros. Adjacent ones are one. */
function* withoutHoles(bytes: Uint8Array): Generator<{ start: number; end: number }> {
  let start = 0
  for (let at = 0; at < bytes.length; at += holeBytes) {
    const end = at + holeBytes
    if (end > bytes.length || zeros.compare(bytes, at, end) !== 0) continue
    if (start < at) yield { start, end: at }
    start = end
  }
  if (start < bytes.length) yield { start, end: bytes.length }
}

export class NodeTempFile implements TempFile {
  readonly path: string
  readonly #options: TempOptions
  #handle: FileHandle | null
  #finished: DiskStat | null = null
  #isPlaced = false
  #length = 0
  /** Bytes up to here are flushed when this comes to its end; what it throws is told to whoever goes on. */
  #flushing: { upTo: number; done: Promise<void> } | null = null

  /** Open, or finished already with this stat. */
  constructor(path: string, state: FileHandle | DiskStat, options: TempOptions) {
    this.path = path
    this.#handle = 'fd' in state ? state : null
    this.#finished = 'fd' in state ? null : state
    this.#options = options
  }

  async write(bytes: Uint8Array): Promise<void> {
    const handle = this.#handle
    assert(handle !== null, 'a temp file is written before it is finished')
    await attemptAsync('disk.write', async () => {
      for (const { start, end } of withoutHoles(bytes))
        for (let at = start; at < end;) at += (await handle.write(bytes, at, end - at, this.#length + at)).bytesWritten
      this.#length += bytes.length
      if (this.#length - (this.#flushing?.upTo ?? 0) < flushedBytes) return
      await this.#flushing?.done
      this.#flushing = { upTo: this.#length, done: handle.datasync() }
      this.#flushing.done.catch(() => undefined)
    })
  }

  async finish(attributes: { mode: number; mtimeNs: bigint }): Promise<void> {
    const handle = this.#handle
    assert(handle !== null, 'a temp file is finished once')
    await attemptAsync('disk.finish', async () => {
      await this.#flushing?.done
      // A hole at the end is not written by anything.
      await handle.truncate(this.#length)
      // After the last write, which would take set-user-id bits away and move the mtime.
      await handle.chmod(attributes.mode)
      this.#options.setMtime(this.path, attributes.mtimeNs)
      if (this.#options.isSyncedAtFinish) await handle.sync()
      this.#handle = null
      await handle.close()
    })
    this.#options.whenFinished(this.path)
    this.#finished = attempt('disk.finish', () => toDiskStat(lstatSync(this.path, { bigint: true })))
  }

  /** What was made, as it stands where it was made. */
  finished(): DiskStat {
    demand(!this.#isPlaced, 'disk.place', 'invalid', 'a temp file is placed once')
    assert(this.#finished !== null, 'a temp file is finished before it is placed')
    return this.#finished
  }

  /** It has its place now, so disposing leaves it alone. */
  markPlaced(): void {
    this.#isPlaced = true
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const handle = this.#handle
    this.#handle = null
    await attemptAsync('disk.dispose', async () => {
      await handle?.close()
      if (this.#isPlaced) return
      await unlink(this.path).catch((error: unknown) => {
        if (errorCode(error) !== 'ENOENT') throw error // Swept, or gone with its folder.
      })
    })
  }
}
