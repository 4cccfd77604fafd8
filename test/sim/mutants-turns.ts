/**
 * Ways to break turns that look at a part of the folder, and modes: each takes out one of the things that a turn over
 * everything would not need.
 */
import { sync, type Mutant } from './mutate.ts'

export const turnMutants: Mutant[] = [
  // A turn that looks where a watcher saw something.
  {
    file: sync('scan-scope'),
    find: "if (stat === 'closed') return { ...folder, isWhole: true }",
    replace: "if (stat === 'closed') return folder",
    breaks: 'a folder that cannot be looked at for a moment is not looked at again',
  },
  {
    file: sync('scan-course'),
    find: 'this.#whole = followTrees(pathsOf(left, true), moves)',
    replace: 'this.#whole = new Set()',
    breaks: 'a scan that stopped does not go on with what it had not come to',
  },
  {
    file: sync('scope'),
    find: '      if (isAtOrBelow(move.from, tree)) trees.add(move.to)\n',
    replace: '',
    breaks: 'what a turn moves out of a folder that was not looked at yet is not looked at',
  },
  {
    file: sync('round'),
    find: "if (kind === 'unreadable') folders.add(path)",
    replace: "if (kind === 'busy') folders.add(path)",
    breaks: 'a folder that could not be listed is forgotten',
  },
  // A pull that takes many rounds.
  {
    file: sync('apply'),
    find: '    for (const id of head.rest) climb(id)\n',
    replace: '',
    breaks: 'a folder counts as agreed on while folders in it were not looked into',
  },
  {
    file: sync('look'),
    find: 'if (head.rest.size > 0 && scanned.changes.size > 0) head = await changesAtHead(Infinity)',
    replace: '',
    breaks: 'what changed here is not compared with what the head has there',
  },
  // Folders in which nothing happened.
  {
    file: sync('known-folder'),
    find: "if (stat.kind !== 'folder') text += `${stat.size}/${stat.mtimeNs}/${stat.ctimeNs}/`",
    replace: "if (stat.kind === 'symlink') text += `${stat.size}/${stat.mtimeNs}/${stat.ctimeNs}/`",
    breaks: 'a folder in which a file was edited in place is passed over',
  },
  {
    file: 'packages/client/memory/state.ts',
    find: 'if (row !== undefined) set(tables.listings, `${linkId} ${row.parent}`, undefined)',
    replace: 'if (row === node && row !== undefined) set(tables.listings, `${linkId} ${row.parent}`, undefined)',
    breaks: 'a folder is passed over out of which a node was moved for others',
  },
  // Modes.
  {
    file: sync('pull'),
    find: "const content = merged.kind === 'folder' ? (state.node(linkId, id)?.content ?? null) : merged.content",
    replace: 'const { content } = merged',
    breaks: 'a folder that is not on the disk counts as at the head while changes below it are owed',
  },
  {
    file: sync('modes'),
    find: ' && !taken.has(placeKey(merged))',
    replace: '',
    breaks: 'in new-only a new file takes a name that the vault has for a moved one',
  },
]
