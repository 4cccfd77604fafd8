/**
 * What is not synced unless a person says otherwise: junk of operating systems, and what editors keep beside a file while
 * it is open. A pattern stands here only if nobody could miss what it hides.
 */

/** In the syntax of .gitignore. */
export const defaultExcludes: readonly string[] = [
  // How the macOS Finder last showed a folder.
  '.DS_Store',
  // macOS, at the root of a disk: its search index, its trash, its log of changes, what it has not finished writing.
  '.Spotlight-V100/',
  '.Trashes/',
  '.fseventsd/',
  '.TemporaryItems/',
  // Small pictures that Windows makes of the pictures in a folder.
  '[Tt]humbs.db',
  'ehthumbs.db',
  // How the Windows Explorer shows a folder.
  '[Dd]esktop.ini',
  // Windows, at the root of a disk: its trash, and its restore points.
  '$RECYCLE.BIN/',
  'System Volume Information/',
  // Linux: the trash of a disk that is not the one of the home, and what a check of the disk found.
  '.Trash-*/',
  'lost+found/',
  // What stands for a deleted file that a program still has open, on NFS and on FUSE.
  '.nfs????????????????????????',
  '.fuse_hidden*',
  // Who has a document open, as Microsoft Office and LibreOffice say it.
  '~$*',
  '.~lock.*#',
  // What Vim has not saved yet: .swp, or .swo, .swn … when that is taken; and .swx, with which it tries the disk.
  '.*.sw[k-px]',
  // Who has a file open in Emacs: a link to nowhere.
  '.#*',
]
