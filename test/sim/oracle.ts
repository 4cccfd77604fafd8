/**
 * Keeps account of what must be found in the vault. In some snapshot, for ever: every content that a turn took from a
 * disk, and every one that a turn said it had seen to. At the head: whatever no person has thrown away, anywhere.
 */
import type { Inode } from '@anysync/client/memory/disk-inodes.ts'
import type { MemoryDisk } from '@anysync/client/memory/disk.ts'
import { folderOf } from '@anysync/client/path.ts'
import type { TurnReport } from '@anysync/client/sync/report.ts'
import { contentWord } from './words.ts'

const wholeBytesMax = 200

/** Whether the key of a content is all of it. */
const isWhole = (key: string): boolean => key.startsWith(contentWord) && key.length < wholeBytesMax

/** What a content is looked for by. */
export const keyOf = (content: Uint8Array | string): string => {
  if (typeof content === 'string') return `link ${content}`
  const bytes = Buffer.from(content.buffer, content.byteOffset, content.length)
  // Long ones are random bytes: their beginning is theirs alone.
  return bytes.length < wholeBytesMax ? bytes.toString('latin1') : `${bytes.length} ${bytes.toString('latin1', 0, 64)}`
}

const contentOf = ({ kind, bytes, target }: Inode): Uint8Array | string | null =>
  kind === 'file' ? bytes : kind === 'symlink' ? target : null

/** What lies on a disk, by path; private folders left out. Parents before children. */
export const nodesOf = ({ fileSystem }: MemoryDisk): [string, Inode][] => nodesBelow(fileSystem.root)

export const nodesBelow = (root: Inode | null): [string, Inode][] => {
  const found: [string, Inode][] = []
  const walk = (folder: Inode, prefix: string): void => {
    for (const { name, inode, isNameLost } of folder.children.values()) {
      if (isNameLost || name === '.anysync') continue
      const path = prefix + name
      found.push([path, inode])
      if (inode.kind === 'folder') walk(inode, `${path}/`)
    }
  }
  if (root !== null) walk(root, '')
  return found
}

/**
 * Contents of files and links, and where they lie; `edits`: what people have done so far to each, and to the folders that
 * it lies in.
 */
export type Seen = Map<Inode, { path: string; content: Uint8Array | string; edits: number }>

export class Oracle {
  /** Contents by key, with how each came to be wanted. */
  readonly wanted = new Map<string, string>()

  /** Whether a person has given a file a second name. */
  hasHardLinks = false
  /** What people saved, and what any of them has removed or overwritten since. */
  readonly #saved = new Set<string>()
  /** On which disks. */
  readonly #thrownAway = new Map<string, Set<MemoryDisk>>()
  /**
   * Disks on which a socket was made. The vault keeps what it has under the name of one, so nothing that is thrown away
   * there, before or after, need be a deletion: it comes again when others change something beside it and the socket goes.
   */
  readonly #disksWithSockets = new Set<MemoryDisk>()
  /** What people did something else to, or made more than once: a deletion may give way to that. By first version. */
  readonly #disturbed = new Set<string>()
  /** Of what a person wrote over something, the first version of that. */
  readonly #firstVersions = new Map<string, string>()

  /** Contents that must be at the head, for nobody has thrown them away. */
  living(): string[] {
    return [...this.#saved].filter((key) => !this.#thrownAway.has(key))
  }

  /**
   * Contents that cannot be at the head: somebody has thrown them away where no socket ever lay, and nobody did anything
   * else to them.
   */
  dead(): string[] {
    return [...this.#thrownAway]
      .filter(([, disks]) => [...disks].some((disk) => !this.#disksWithSockets.has(disk)))
      .map(([key]) => key)
      .filter((key) => this.#saved.has(key) && !this.#disturbed.has(this.#firstOf(key)))
  }

  /** Short contents of files that somebody has thrown away. */
  thrownAway(): Uint8Array[] {
    return [...this.#thrownAway.keys()].filter(isWhole).map((key) => Buffer.from(key, 'latin1'))
  }

  #firstOf(key: string): string {
    return this.#firstVersions.get(key) ?? key
  }

  /** Runs what a person does, and notes what it leaves and what it ends. */
  acts(disk: MemoryDisk, work: () => void): void {
    const before = this.#contentsOf(disk)
    try {
      work()
    } finally {
      const after = this.#contentsOf(disk)
      if (nodesOf(disk).some(([, { kind }]) => kind === 'other')) this.#disksWithSockets.add(disk)
      for (const [key, { count, how }] of before) {
        const left = after.get(key)
        // One of two copies is enough: a move in the middle of a scan makes two of one.
        if ((left?.count ?? 0) < count) this.#thrownAway.set(key, (this.#thrownAway.get(key) ?? new Set()).add(disk))
        if (left !== undefined && left.how !== how) this.#disturbed.add(this.#firstOf(key))
      }
      const keysByPath = new Map([...before].map(([key, { path }]) => [path, key]))
      for (const [key, { path }] of after) {
        if (before.has(key)) continue
        const older = keysByPath.get(path)
        if (this.#saved.has(key)) this.#disturbed.add(this.#firstOf(key))
        else if (older !== undefined) this.#firstVersions.set(key, this.#firstOf(older))
        this.save(key)
      }
    }
  }

  save(key: string): void {
    // A target that is a name is no content of its own: the same link may be made by many.
    if (key.startsWith('link ') && !key.startsWith(`link ${contentWord}`)) return
    this.#saved.add(key)
  }

  /** How often each content is there, where last, and how: all places and attributes. */
  #contentsOf(disk: MemoryDisk): Map<string, { count: number; path: string; how: string }> {
    const found = new Map<string, { count: number; path: string; how: string }>()
    for (const [path, inode] of nodesOf(disk)) {
      const content = contentOf(inode)
      if (content === null) continue
      const key = keyOf(content)
      const other = found.get(key)
      const how = `${other?.how ?? ''} ${path} ${inode.mode} ${inode.mtimeNs}`
      found.set(key, { count: (other?.count ?? 0) + 1, path, how })
    }
    return found
  }

  /**
   * The server went back to a time when the vault had to have `wanted`. Of what came later it has only what is on a disk
   * now: that must be at the head again, unless its person throws it away before a turn sees it.
   */
  goBack(wanted: Map<string, string>, disks: (Inode | null)[]): void {
    this.wanted.clear()
    for (const [key, why] of wanted) this.wanted.set(key, why)
    const here = new Set<string>()
    for (const root of disks)
      for (const [, inode] of nodesBelow(root)) {
        const content = contentOf(inode)
        if (content !== null) here.add(keyOf(content))
      }
    for (const key of this.#saved) if (!here.has(key)) this.#saved.delete(key)
  }

  /** A turn took this from a disk. */
  take(device: string, inode: Inode): void {
    const content = contentOf(inode)
    if (content !== null) this.#want(content, `${device} took it from its disk`)
  }

  /** What lies on a disk; as a turn begins, to be handed to `saw` when it has ended. */
  look(disk: MemoryDisk): Seen {
    const seen: Seen = new Map()
    const editsOfFolders = new Map<string, number>()
    for (const [path, inode] of nodesOf(disk)) {
      const edits = inode.edits + (editsOfFolders.get(folderOf(path)) ?? 0)
      if (inode.kind === 'folder') editsOfFolders.set(path, edits)
      const content = contentOf(inode)
      if (content !== null) seen.set(inode, { path, content, edits })
    }
    return seen
  }

  /**
   * A turn has ended and says that all is settled but for its troubles. What moved meanwhile it may have missed, also when
   * it was moved back.
   */
  saw(device: string, disk: MemoryDisk, before: Seen, report: TurnReport): void {
    if (!report.isSettled) return
    // A watcher tells of one name of a file and not of the others: these are seen when everything is looked at.
    if (this.hasHardLinks && !report.isWhole) return
    for (const [inode, { path, content, edits }] of this.look(disk)) {
      const then = before.get(inode)
      if (then?.content !== content || then.path !== path || then.edits !== edits) continue
      const isTroubled = report.troubles.some((trouble) => `${path}/`.startsWith(`${trouble.path}/`))
      if (!isTroubled) this.#want(content, `${device} said that all was settled with it on the disk`)
    }
  }

  #want(content: Uint8Array | string, why: string): void {
    const key = keyOf(content)
    if (!this.wanted.has(key)) this.wanted.set(key, why)
  }
}
