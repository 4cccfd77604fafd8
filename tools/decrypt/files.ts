/**
 * Writes the tree of a snapshot as files. Names come from whoever wrote the vault, so each is checked before it is part of
 * a path, nothing is written over, and links are made last: nothing is ever written through one.
 */
import * as fs from 'node:fs'
import { join } from 'node:path'
import { demand, Message, trying } from './message.ts'
import { kinds, type Read } from './vault.ts'

/** Into this folder, which must be empty or not there yet. */
export const writeFiles = (folder: string, root: Message, read: Read) => {
  fs.mkdirSync(folder, { recursive: true })
  demand(fs.readdirSync(folder).length === 0, 'the folder to write into is not empty, and nothing is written over')
  const written = { files: 0, folders: 0, links: 0 }
  /** Done when all files are there, last first: links, and what folders are like when nothing in them changes any more. */
  const later: [string, () => void][] = []
  const visit = (content: Message, below: string, depth: number): void => {
    demand(depth <= 1024, 'folders lie deeper than is allowed')
    for (const node of readTree(content, read)) {
      const path = join(below, node.name)
      trying(path, () => demand(!isRefused(node.name), 'no file may have this name here'))
      if (isRefused(node.name)) continue
      const finish = (): void => {
        fs.utimesSync(path, node.time, node.time)
        fs.chmodSync(path, node.mode)
      }
      if (node.kind === 1) {
        trying(path, () => {
          // What is there already, a link above all, is not written to.
          fs.writeFileSync(path, '', { flag: 'wx', mode: 0o600 })
          try {
            for (const bytes of read(kinds.data, node.content())) fs.appendFileSync(path, bytes)
          } catch (error) {
            fs.unlinkSync(path)
            throw error
          }
          finish()
          written.files += 1
        })
      } else if (node.kind === 2) {
        trying(path, () => {
          fs.mkdirSync(path, { mode: 0o700 })
          written.folders += 1
          later.push([path, finish])
          visit(node.content(), path, depth + 1)
        })
      } else {
        const link = (): void => {
          fs.symlinkSync(node.target, path)
          fs.lutimesSync(path, node.time, node.time)
          written.links += 1
        }
        later.push([path, link])
      }
    }
  }
  trying(folder, () => visit(root, folder, 1))
  for (const [path, work] of later.toReversed()) trying(path, work)
  return written
}

const onWindows = /[<>:"\\|?*]|\p{Cc}|[ .]$|^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/iu
const isRefused = (name: string): boolean =>
  /^\.?\.?$|[/\0]/.test(name) || Buffer.byteLength(name) > 255 || (process.platform === 'win32' && onWindows.test(name))

const readTree = (content: Message, read: Read) => {
  let last = Buffer.alloc(0)
  return new Message('a folder', Buffer.concat([...read(kinds.tree, content)]), 1).list(1).map((bytes) => {
    const node = new Message('a node', bytes, 7)
    const [name, kind, mode, target] = [node.text(2), node.number(3), node.number(4), node.text(7)]
    const encoded = node.integer(5)
    const utf8 = Buffer.from(name)
    demand(Buffer.compare(last, utf8) < 0, 'the names of a folder are not in order')
    last = utf8
    const isKnown = kind >= 1 && kind <= 3 && mode <= 0o7777 && (kind === 3) === (target !== '')
    demand(isKnown, 'a node has a kind, mode or link target that it cannot have')
    const time = Number((encoded >> 1n) ^ -(encoded & 1n)) / 1e9
    return { name, kind, mode, target, time, content: () => node.message(6, 'a content', 3) }
  })
}
