/**
 * All that a disk shows, in one map, so that tests can say of two disks that they are the same.
 */
import type { Disk } from '../ports.ts'

/** `content` is a file's bytes, a symlink's target, or null for what has neither. */
export type DiskNode = { kind: string; mode: number; mtimeNs: bigint; content: Uint8Array | string | null }

/** By path, in code unit order of paths; the root itself is left out. */
export const readTree = async (disk: Disk, folder = ''): Promise<Map<string, DiskNode>> => {
  const nodes: [string, DiskNode][] = []
  for (const { name, stat } of await disk.list(folder)) {
    if (stat === null) continue
    const path = folder === '' ? name : `${folder}/${name}`
    const { kind, mode, mtimeNs } = stat
    nodes.push([path, { kind, mode, mtimeNs, content: await readContent(disk, path, kind) }])
    if (kind === 'folder') nodes.push(...(await readTree(disk, path)))
  }
  return new Map(nodes.sort(([a], [b]) => (a < b ? -1 : 1)))
}

const readContent = async (disk: Disk, path: string, kind: string): Promise<Uint8Array | string | null> => {
  if (kind === 'symlink') return await disk.readLink(path)
  if (kind !== 'file') return null
  return await readFile(disk, path)
}

/** A whole file's bytes. */
export const readFile = async (disk: Disk, path: string): Promise<Uint8Array> => {
  await using file = await disk.openFile(path)
  const { size } = await file.stat()
  const bytes = new Uint8Array(size)
  return bytes.subarray(0, await file.read(bytes, 0))
}
