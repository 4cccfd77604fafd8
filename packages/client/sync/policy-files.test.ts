/** Stories of one file that two people change at once: every row of the policy, in both orders. */
import { story } from './policy.suite.ts'

const nothing = (): void => undefined

story('same here, changed there: the change arrives', {
  files: { f: 'old' },
  one: (user) => user.writeFile('f', 'new'),
  other: nothing,
  ends: { f: 'new' },
})

story('changed on both sides to the same bytes settles without a copy', {
  files: { f: 'old' },
  one: (user) => user.writeFile('f', 'new'),
  other: (user) => user.writeFile('f', 'new'),
  ends: { f: 'new' },
})

story('two edits are both kept: who was first in the log keeps the name', {
  files: { 'notes.txt': 'old' },
  one: (user) => user.writeFile('notes.txt', 'of one'),
  other: (user) => user.saveFile('notes.txt', 'of other'),
  ends: {
    oneFirst: { 'notes.txt': 'of one', 'notes (conflict).txt': 'of other' },
    otherFirst: { 'notes.txt': 'of other', 'notes (conflict).txt': 'of one' },
  },
})

story('an edit beats a deletion', {
  files: { f: 'old' },
  one: (user) => user.writeFile('f', 'edited'),
  other: (user) => user.rm('f'),
  ends: { f: 'edited' },
})

story('a move beats a deletion', {
  files: { f: 'text' },
  one: (user) => user.rename('f', 'folder/g'),
  other: (user) => user.rm('f'),
  ends: { 'folder/g': 'text' },
})

story('a deletion on both sides is one deletion', {
  files: { f: 'text' },
  one: (user) => user.rm('f'),
  other: (user) => user.rm('f'),
  ends: {},
})

story('an edit arrives at the place to which the file was moved', {
  files: { f: 'old' },
  one: (user) => user.writeFile('f', 'edited'),
  other: (user) => user.rename('f', 'folder/g'),
  ends: { 'folder/g': 'edited' },
})

story('of two moves of one file the first in the log wins', {
  files: { f: 'text' },
  one: (user) => user.rename('f', 'one'),
  other: (user) => user.rename('f', 'other'),
  ends: { oneFirst: { one: 'text' }, otherFirst: { other: 'text' } },
})

story('a move and an edit on both sides: the place of the first, and both edits', {
  files: { f: 'old' },
  one: (user) => {
    user.rename('f', 'one')
    user.writeFile('one', 'of one')
  },
  other: (user) => user.writeFile('f', 'of other'),
  ends: {
    // A file that was moved and edited between two looks is gone and new: its inode alone proves nothing.
    one: 'of one',
    f: 'of other',
  },
})

story('two new files of one name are both kept', {
  files: {},
  one: (user) => user.writeFile('new', 'of one'),
  other: (user) => user.writeFile('new', 'of other'),
  ends: {
    oneFirst: { new: 'of one', 'new (conflict)': 'of other' },
    otherFirst: { new: 'of other', 'new (conflict)': 'of one' },
  },
})

story('two new files of one name and the same bytes are one', {
  files: {},
  one: (user) => user.writeFile('new', 'same'),
  other: (user) => user.writeFile('new', 'same'),
  ends: { new: 'same' },
})

story('a new file and a file that was moved to its name are both kept', {
  files: { f: 'moved' },
  one: (user) => user.rename('f', 'name'),
  other: (user) => user.writeFile('name', 'new'),
  ends: {
    oneFirst: { name: 'moved', 'name (conflict)': 'new' },
    otherFirst: { name: 'new', 'name (conflict)': 'moved' },
  },
})

story('two files that were moved to one name are both kept', {
  files: { f: 'was f', g: 'was g' },
  one: (user) => user.rename('f', 'name'),
  other: (user) => user.rename('g', 'name'),
  ends: {
    oneFirst: { name: 'was f', 'name (conflict)': 'was g' },
    otherFirst: { name: 'was g', 'name (conflict)': 'was f' },
  },
})

story('a chain of renames meets an edit of each link of it', {
  files: { a: '1', b: '2', c: '3' },
  one: (user) => {
    user.rename('c', 'd')
    user.rename('b', 'c')
    user.rename('a', 'b')
  },
  other: (user) => {
    user.writeFile('a', '1 edited')
    user.writeFile('b', '2 edited')
    user.writeFile('c', '3 edited')
  },
  ends: { b: '1 edited', c: '2 edited', d: '3 edited' },
})

story('an exchange of names meets an edit of both', {
  files: { a: '1', b: '22' },
  one: (user) => {
    user.rename('a', 't')
    user.rename('b', 'a')
    user.rename('t', 'b')
  },
  other: (user) => {
    user.writeFile('a', '1 edited')
    user.writeFile('b', '22 edited')
  },
  ends: { b: '1 edited', a: '22 edited' },
})

story('an exchange of names on both sides is one', {
  files: { a: '1', b: '22' },
  one: (user) => {
    user.rename('a', 't')
    user.rename('b', 'a')
    user.rename('t', 'b')
  },
  other: (user) => {
    user.rename('b', 't')
    user.rename('a', 'b')
    user.rename('t', 'a')
  },
  ends: { b: '1', a: '22' },
})

story('three names that are passed on in a circle, against a move of one of them', {
  files: { a: '1', b: '22', c: '333' },
  one: (user) => {
    user.rename('a', 't')
    user.rename('c', 'a')
    user.rename('b', 'c')
    user.rename('t', 'b')
  },
  other: (user) => user.rename('b', 'elsewhere'),
  ends: {
    oneFirst: { b: '1', c: '22', a: '333' },
    otherFirst: { b: '1', elsewhere: '22', a: '333' },
  },
})

story('a rename of the case only meets an edit', {
  files: { 'Readme.md': 'old' },
  one: (user) => user.rename('Readme.md', 'README.md'),
  other: (user) => user.writeFile('Readme.md', 'edited'),
  ends: { 'README.md': 'edited' },
})

story('a touch and a new mode on one side meet an edit on the other', {
  files: { f: 'old' },
  one: (user) => {
    user.setMtime('f', 5n)
    user.chmod('f', 0o600)
  },
  other: (user) => user.writeFile('f', 'edited'),
  ends: { f: 'edited' },
})

story('a file that became a link meets an edit of the file', {
  files: { f: 'old', target: 't' },
  one: (user) => {
    user.rm('f')
    user.symlink('target', 'f')
  },
  other: (user) => user.writeFile('f', 'edited'),
  ends: { oneFirst: { 'f (conflict)': 'edited', target: 't' }, otherFirst: { f: 'edited', target: 't' } },
})

story('a file that became a folder meets an edit of the file', {
  files: { f: 'old' },
  one: (user) => {
    user.rm('f')
    user.writeFile('f/inside', 'new')
  },
  other: (user) => user.writeFile('f', 'edited'),
  ends: {
    oneFirst: { 'f/inside': 'new', 'f (conflict)': 'edited' },
    otherFirst: { f: 'edited', 'f (conflict)/inside': 'new' },
  },
})

story('a file becomes a folder on one side and a link on the other', {
  files: { f: 'old', target: 't' },
  one: (user) => {
    user.rm('f')
    user.writeFile('f/inside', 'new')
  },
  other: (user) => {
    user.rm('f')
    user.symlink('target', 'f')
  },
  ends: {
    oneFirst: { 'f/inside': 'new', target: 't' },
    otherFirst: { 'f (conflict)/inside': 'new', target: 't' },
  },
})

story('an editor that saves by rename and keeps a backup meets a move', {
  files: { 'notes.txt': 'old text' },
  one: (user) => {
    user.rename('notes.txt', 'notes.txt~')
    user.writeFile('notes.txt', 'new text, longer')
  },
  other: (user) => user.rename('notes.txt', 'folder/notes.txt'),
  ends: { 'folder/notes.txt': 'new text, longer', 'notes.txt~': 'old text' },
})

story('editors that save by rename on both sides make two edits', {
  files: { f: 'old' },
  one: (user) => user.saveFile('f', 'of one'),
  other: (user) => user.saveFile('f', 'of the other'),
  ends: {
    oneFirst: { f: 'of one', 'f (conflict)': 'of the other' },
    otherFirst: { f: 'of the other', 'f (conflict)': 'of one' },
  },
})
