/**
 * What holds when all faults are lifted and all devices have come to rest: vault, base and disk say the same, node by
 * node, on every device; nothing is lost; the server has seen nothing that it could read.
 */
import type { Inode } from '@anysync/client/memory/disk-inodes.ts'
import type { NodeState } from '@anysync/client/ports.ts'
import { rootContentFact, sameBytes } from '@anysync/client/sync/node.ts'
import { rootNodeId, type NodeId } from '@anysync/protocol/ids.ts'
import { auditVault, type Audit } from './audit.ts'
import { contentWord, secretWord } from './words.ts'
import type { Device, World } from './world.ts'

/** An invariant that does not hold. */
export class Broken extends Error {
  override readonly name = 'Broken'
}

export function demand(fact: boolean, message: () => string): asserts fact {
  if (!fact) throw new Broken(message())
}

export const checkAll = async (world: World): Promise<void> => {
  // What is retired may be gone: nothing that is kept needs it. The audit reads every byte of every kept snapshot.
  world.server.sweep(0n)
  const audit = await auditVault(world)
  for (const device of world.devices) checkDevice(device, audit)
  for (const [key, why] of world.hasLetGo ? [] : world.oracle.wanted) {
    demand(audit.contents.has(key), () => `'${key.slice(0, 60)}' is in no snapshot: ${why}`)
  }
  // A disk whose node waits for a name may hold an edit that waits as well; a backup deletes what others edited; and what
  // is put back takes the place of another.
  const isExcused =
    world.hasModes || world.hasReplaced || world.devices.some((device) => isStuck(device, audit, rootNodeId, false))
  for (const key of isExcused ? [] : world.oracle.living())
    demand(audit.headContents.has(key), () => `'${key.slice(0, 60)}' is not at the head, and nobody removed it`)
  const isPlain = !world.hasModes && !world.hasTwins && !world.hasFaltered && !world.hasForgotten
  for (const key of isPlain ? world.oracle.dead() : [])
    demand(!audit.headContents.has(key), () => `'${key.slice(0, 60)}' is at the head, and it was thrown away`)
  for (const nodes of audit.head.values())
    for (const { name } of nodes) demand(!name.includes('.anysync'), () => `'${name}' is at the head`)
  for (const bytes of world.server.bytesStored()) {
    const seen = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    for (const word of [secretWord, contentWord])
      demand(!seen.includes(word), () => `the server has seen '${word}' in plain`)
  }
}

const checkDevice = (device: Device, audit: Audit): void => {
  const { name, disk, state, link } = device
  const { root } = disk.fileSystem
  demand(root !== null, () => `${name}: the disk is not there`)
  demand(disk.countTemps() === 0, () => `${name}: temporary files were left`)
  if (audit.root === null) {
    demand(visibleNames(root).length === 0, () => `${name}: the disk holds what no snapshot has`)
    return
  }
  if (isStuck(device, audit, rootNodeId, false)) return
  const fact = state.fact(link.id, rootContentFact)
  demand(fact === audit.root.toHex(), () => `${name}: the base is not at the head's root`)
  checkFolder(device, audit, rootNodeId, root, '')
}

const visibleNames = (folder: Inode): string[] =>
  [...folder.children.values()].map(({ name }) => name).filter((name) => name !== '.anysync')

/**
 * Whether something that is on the disk has got a place at the head that this disk cannot give it: then it waits where
 * it is, and so does what wants its place.
 */
const isStuck = (device: Device, audit: Audit, folder: NodeId, isFolderAway: boolean): boolean =>
  (audit.head.get(folder) ?? []).some((node) => {
    const row = device.state.node(device.link.id, node.id)
    const isAway = isFolderAway || !isStorable(device, audit, node)
    const isFolderGone = isAway || row?.disk === null
    const isElsewhere = row?.disk !== null && (row?.parent !== node.parent || row?.name !== node.name)
    return (isAway && isElsewhere) || (node.kind === 'folder' && isStuck(device, audit, node.id, isFolderGone))
  })

/** Whether the disk takes the name, and no other one of the folder for the same. */
const isStorable = (device: Device, audit: Audit, node: NodeState): boolean => {
  const fold = (name: string): string => device.disk.foldName(name)
  const twins = (audit.head.get(node.parent) ?? []).filter(({ name }) => fold(name) === fold(node.name))
  return twins.length === 1 && !device.isRefused(node.name)
}

const checkFolder = (device: Device, audit: Audit, id: NodeId, folder: Inode | null, path: string): void => {
  const { name, state, link } = device
  const nodes = audit.head.get(id) ?? []
  const rows = new Map(state.children(link.id, id).map((row) => [row.id, row]))
  demand(rows.size === nodes.length, () => `${name}: the base has ${rows.size} of ${nodes.length} nodes in '${path}'`)
  const onDisk = new Set(folder === null ? [] : visibleNames(folder))
  for (const node of nodes) {
    const at = path === '' ? node.name : `${path}/${node.name}`
    const row = rows.get(node.id)
    demand(row !== undefined, () => `${name}: the base lacks '${at}'`)
    demand(
      isSameState(row, node),
      () => `${name}: the base says otherwise of '${at}' than the head: ${differences(row, node)}`,
    )
    if (row.disk === null) {
      demand(row.absence !== null, () => `${name}: '${at}' is not on the disk, and no reason is told`)
      const isExcused = folder === null || !isStorable(device, audit, node)
      demand(isExcused, () => `${name}: '${at}' is not on the disk because ${row.absence?.message}`)
      if (node.kind === 'folder') checkFolder(device, audit, node.id, null, at)
      continue
    }
    const child = folder?.children.get(device.disk.foldName(node.name))
    demand(child?.name === node.name, () => `${name}: '${at}' is not on the disk`)
    const { inode } = child
    demand(inode.number === row.disk.inode, () => `${name}: the base means another file at '${at}'`)
    onDisk.delete(node.name)
    checkNode(device, audit, node, inode, at)
    if (node.kind === 'folder') checkFolder(device, audit, node.id, inode, at)
  }
  demand(
    onDisk.size === 0,
    () => `${name}: '${path}' on the disk holds what the head has not: ${[...onDisk].join(', ')}`,
  )
}

const checkNode = ({ name }: Device, audit: Audit, node: NodeState, inode: Inode, at: string): void => {
  demand(inode.kind === node.kind, () => `${name}: '${at}' is a ${inode.kind}, at the head a ${node.kind}`)
  const isModeSame = node.kind === 'symlink' || inode.mode === node.mode
  demand(
    isModeSame,
    () => `${name}: '${at}' has the mode ${inode.mode.toString(8)}, at the head ${node.mode.toString(8)}`,
  )
  // A folder's time goes up with a change in it, but is none by itself.
  const isTimeSame = node.kind === 'folder' || inode.mtimeNs === node.mtimeNs
  demand(isTimeSame, () => `${name}: '${at}' has the time ${inode.mtimeNs}, at the head ${node.mtimeNs}`)
  if (node.kind === 'symlink') demand(inode.target === node.linkTarget, () => `${name}: '${at}' leads elsewhere`)
  if (node.kind !== 'file') return
  const bytes = audit.bytesByContent.get(node.content?.toHex() ?? '') ?? null
  demand(sameBytes(bytes, inode.bytes), () => `${name}: '${at}' holds other bytes than at the head`)
}

const differences = (a: NodeState, b: NodeState): string =>
  `parent ${a.parent} ${b.parent}, name ${a.name} ${b.name}, mode ${a.mode} ${b.mode}, time ${a.mtimeNs} ${b.mtimeNs}, ` +
  `size ${a.size} ${b.size}, content ${sameBytes(a.content, b.content) ? 'same' : a.content === null ? 'not known' : 'different'}`

const isSameState = (a: NodeState, b: NodeState): boolean =>
  a.parent === b.parent &&
  a.name === b.name &&
  a.kind === b.kind &&
  a.mode === b.mode &&
  a.mtimeNs === b.mtimeNs &&
  a.size === b.size &&
  a.linkTarget === b.linkTarget &&
  sameBytes(a.content, b.content)
