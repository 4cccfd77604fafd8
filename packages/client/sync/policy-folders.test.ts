/** Stories of folders that two people change at once, in both orders: moves, merges, deletions against what is new inside. */
import { story } from './policy.suite.ts'

story('a folder that is deleted here survives with what is new in it there', {
  files: { 'f/old': '1', 'f/sub/older': '2' },
  one: (user) => user.rm('f'),
  other: (user) => user.writeFile('f/sub/new', 'new'),
  ends: { 'f/sub/new': 'new' },
})

story('a folder that is deleted here survives with what is edited in it there', {
  files: { 'f/x': '1', 'f/y': '2' },
  one: (user) => user.rm('f'),
  other: (user) => user.writeFile('f/x', 'edited'),
  ends: { 'f/x': 'edited' },
})

story('a folder that is deleted here survives with what is moved into it there', {
  files: { 'f/x': '1', y: '2' },
  one: (user) => user.rm('f'),
  other: (user) => user.rename('y', 'f/y'),
  ends: { 'f/y': '2' },
})

story('what is moved out of a folder survives its deletion', {
  files: { 'f/x': '1', 'f/y': '2' },
  one: (user) => user.rm('f'),
  other: (user) => user.rename('f/x', 'x'),
  ends: { x: '1' },
})

story('a folder is moved on one side, and what is in it is edited, added and removed on the other', {
  files: { 'f/edited': '1', 'f/removed': '2', 'f/same': '3' },
  one: (user) => user.rename('f', 'g/f'),
  other: (user) => {
    user.writeFile('f/edited', 'edited')
    user.rm('f/removed')
    user.writeFile('f/new/x', 'new')
  },
  ends: { 'g/f/edited': 'edited', 'g/f/same': '3', 'g/f/new/x': 'new' },
})

story('of two moves of one folder the first in the log wins, with all that is in it', {
  files: { 'f/x': '1' },
  one: (user) => {
    user.rename('f', 'one')
    user.writeFile('one/a', 'a')
  },
  other: (user) => {
    user.rename('f', 'other')
    user.writeFile('other/b', 'b')
  },
  ends: {
    oneFirst: { 'one/x': '1', 'one/a': 'a', 'one/b': 'b' },
    otherFirst: { 'other/x': '1', 'other/a': 'a', 'other/b': 'b' },
  },
})

story('two folders that are moved into each other keep the first move', {
  files: { 'f/x': '1', 'g/y': '2' },
  one: (user) => user.rename('f', 'g/f'),
  other: (user) => user.rename('g', 'f/g'),
  ends: {
    oneFirst: { 'g/f/x': '1', 'g/y': '2' },
    otherFirst: { 'f/x': '1', 'f/g/y': '2' },
  },
})

story('a folder that is deleted on one side and moved on the other is at its new place, without what was deleted', {
  files: { 'f/x': '1', 'f/y': '2' },
  one: (user) => user.rm('f'),
  other: (user) => user.rename('f', 'g'),
  ends: {},
})

story('two new folders of one name merge, with what is equal, what differs and what is alone', {
  files: {},
  one: (user) => {
    user.writeFile('f/same', 'same')
    user.writeFile('f/other', 'of one')
    user.writeFile('f/sub/one', '1')
  },
  other: (user) => {
    user.writeFile('f/same', 'same')
    user.writeFile('f/other', 'of other')
    user.writeFile('f/sub/other', '2')
  },
  ends: {
    oneFirst: {
      'f/same': 'same',
      'f/other': 'of one',
      'f/other (conflict)': 'of other',
      'f/sub/one': '1',
      'f/sub/other': '2',
    },
    otherFirst: {
      'f/same': 'same',
      'f/other': 'of other',
      'f/other (conflict)': 'of one',
      'f/sub/one': '1',
      'f/sub/other': '2',
    },
  },
})

story('a new folder and a new file of one name are both kept', {
  files: {},
  one: (user) => user.writeFile('name/x', 'folder'),
  other: (user) => user.writeFile('name', 'file'),
  ends: {
    oneFirst: { 'name/x': 'folder', 'name (conflict)': 'file' },
    otherFirst: { name: 'file', 'name (conflict)/x': 'folder' },
  },
})

story('a chain of folders is renamed while files are added to each', {
  files: { 'a/1': '1', 'b/2': '2', 'c/3': '3' },
  one: (user) => {
    user.rename('c', 'd')
    user.rename('b', 'c')
    user.rename('a', 'b')
  },
  other: (user) => {
    for (const name of ['a', 'b', 'c']) user.writeFile(`${name}/new`, `new in ${name}`)
  },
  ends: {
    'b/1': '1',
    'b/new': 'new in a',
    'c/2': '2',
    'c/new': 'new in b',
    'd/3': '3',
    'd/new': 'new in c',
  },
})

story('two folders exchange their names while files move between them', {
  files: { 'f/x': '1', 'g/y': '22' },
  one: (user) => {
    user.rename('f', 't')
    user.rename('g', 'f')
    user.rename('t', 'g')
  },
  other: (user) => {
    user.rename('f/x', 'g/x')
    user.writeFile('f/new', 'new')
  },
  ends: { 'g/new': 'new', 'f/y': '22', 'f/x': '1' },
})

story('a folder that became a file meets something new in the folder', {
  files: { 'f/x': '1' },
  one: (user) => {
    user.rm('f')
    user.writeFile('f', 'now a file')
  },
  other: (user) => user.writeFile('f/new', 'new'),
  ends: {
    oneFirst: { f: 'now a file', 'f (conflict)/new': 'new' },
    otherFirst: { 'f/new': 'new', 'f (conflict)': 'now a file' },
  },
})

story('a folder whose case is changed meets something new in it', {
  files: { 'docs/x': '1' },
  one: (user) => user.rename('docs', 'Docs'),
  other: (user) => user.writeFile('docs/new', 'new'),
  ends: { 'Docs/x': '1', 'Docs/new': 'new' },
})
