/** What a watcher tells of a person's doings: the folders in which something was touched, and those above them. */
import type { DiskUser } from '@anysync/client/memory/disk-user.ts'
import { folderOf } from '@anysync/client/path.ts'

/** The same person, whose doings are noted as hints. */
export const watched = (user: DiskUser, hints: Set<string>): DiskUser => {
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
