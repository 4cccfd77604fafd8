/**
 * The bytes of a memory disk: an open file, and a file being made.
 */
import { assert, demand } from '@anysync/protocol/errors.ts'
import type { FileReader, TempFile } from '../ports.ts'
import type { FileSystem, Inode } from './disk-inodes.ts'

/**
 * Asked before every operation. It may throw `full` or `unavailable`, which the operation then does in its place, or
 * an error of the test's own that stands for the death of the process; or wait, to let others go first.
 */
export type DiskFault = (call: { operation: string; path: string }) => void | Promise<void>

export const openInode = (
  fileSystem: FileSystem,
  inode: Inode,
  path: string,
  fault: DiskFault | undefined,
): FileReader => ({
  stat: async () => {
    await fault?.({ operation: 'disk.stat', path })
    return fileSystem.stat(inode)
  },
  read: async (buffer, position) => {
    await fault?.({ operation: 'disk.read', path })
    const bytes = inode.bytes.subarray(position, position + buffer.length)
    buffer.set(bytes)
    return bytes.length
  },
  [Symbol.asyncDispose]: async () => undefined,
})

export class MemoryTempFile implements TempFile {
  readonly #fileSystem: FileSystem
  readonly #temps: Set<MemoryTempFile>
  readonly #fault: DiskFault | undefined
  readonly #inode: Inode
  /** The root that was there: under another there is no such file. */
  readonly #root: Inode | null
  readonly #parts: Uint8Array[] = []
  #isFinished = false
  #isPlaced = false

  constructor(fileSystem: FileSystem, temps: Set<MemoryTempFile>, fault: DiskFault | undefined) {
    this.#fileSystem = fileSystem
    this.#temps = temps
    this.#fault = fault
    this.#inode = fileSystem.make('file', 0o600)
    this.#root = fileSystem.root
  }

  async write(bytes: Uint8Array): Promise<void> {
    assert(!this.#isFinished, 'a temp file is written before it is finished')
    await this.#fault?.({ operation: 'disk.write', path: '' })
    this.#parts.push(bytes.slice())
  }

  async finish(attributes: { mode: number; mtimeNs: bigint }): Promise<void> {
    assert(!this.#isFinished, 'a temp file is finished once')
    await this.#fault?.({ operation: 'disk.finish', path: '' })
    const inode = this.#inode
    inode.bytes = new Uint8Array(this.#parts.reduce((sum, part) => sum + part.length, 0))
    let position = 0
    for (const part of this.#parts) {
      inode.bytes.set(part, position)
      position += part.length
    }
    inode.mode = attributes.mode
    inode.mtimeNs = attributes.mtimeNs
    inode.ctimeNs = this.#fileSystem.tick()
    this.#isFinished = true
  }

  finished(): Inode {
    demand(!this.#isPlaced, 'disk.place', 'invalid', 'a temp file is placed once')
    assert(this.#isFinished, 'a temp file is finished before it is placed')
    const isThere = this.#root === this.#fileSystem.root
    demand(isThere, 'disk.place', 'missing', 'there is nothing at that path any more (ENOENT)')
    return this.#inode
  }

  markPlaced(): void {
    this.#isPlaced = true
    this.#temps.delete(this)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#temps.delete(this)
  }
}
