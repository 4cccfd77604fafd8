/**
 * What a watcher tells of a person's doings: the folders in which something was touched, and those above them; and of a
 * folder that came from elsewhere, all folders below it.
 */
import type { MemoryDisk } from '@anysync/client/memory/disk.ts'
import type { DiskUser } from '@anysync/client/memory/disk-user.ts'
import { folderOf, isAtOrBelow } from '@anysync/client/path.ts'
import { nodesOf } from './oracle.ts'

/** The same person, whose doings are noted as hints. */
export const watched = (disk: MemoryDisk, hints: Set<string>): DiskUser => {
  const { user } = disk
  const tell = (path: string): void => {
    for (let folder = folderOf(path); ; folder = folderOf(folder)) {
      hints.add(folder)
      if (folder === '') return
    }
  }
  return {
    ...user,
    writeFile: (path, content, mode) => {
      tell(path)
      user.writeFile(path, content, mode)
    },
    saveFile: (path, content, mode) => {
      tell(path)
      user.saveFile(path, content, mode)
    },
    rewriteUnseen: (path, content) => {
      tell(path)
      user.rewriteUnseen(path, content)
    },
    mkdir: (path) => {
      tell(path)
      user.mkdir(path)
    },
    link: (from, to) => {
      tell(from)
      tell(to)
      user.link(from, to)
    },
    rename: (from, to) => {
      tell(from)
      tell(to)
      user.rename(from, to)
      for (const [path, { kind }] of nodesOf(disk)) if (kind === 'folder' && isAtOrBelow(path, to)) hints.add(path)
    },
    rm: (path) => {
      tell(path)
      user.rm(path)
    },
    symlink: (target, path) => {
      tell(path)
      user.symlink(target, path)
    },
    chmod: (path, mode) => {
      tell(path)
      user.chmod(path, mode)
    },
    setMtime: (path, mtimeNs) => {
      tell(path)
      user.setMtime(path, mtimeNs)
    },
    makeOther: (path) => {
      tell(path)
      user.makeOther(path)
    },
  }
}
