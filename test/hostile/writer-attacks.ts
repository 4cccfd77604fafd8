/**
 * Attacks by whoever can write the vault, a thief of a device: trees and packs that no client writes, sealed and signed as
 * if one had.
 */
import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { zstdCompressSync } from 'node:zlib'
import { create, toBinary, type MessageInitShape } from '@bufbuild/protobuf'
import { nodeChance } from '@anysync/cli/ports/chance.ts'
import { nodeCipher } from '@anysync/cli/ports/cipher.ts'
import { buildPack, indexedPack } from '@anysync/client/content/pack.ts'
import { createContentWork } from '@anysync/client/content/work.ts'
import { encodeContext } from '@anysync/client/crypto/context.ts'
import {
  Compression,
  ContentKind,
  ContentSchema,
  NodeKind,
  NodeSchema,
  SegmentSchema,
  TreeSchema,
  type Content,
  type Node,
} from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { idToBytes } from '@anysync/protocol/ids.ts'
import { MiB, treeDepthMax } from '@anysync/protocol/limits.ts'
import type { OpenedVault } from '../support/opened-vault.ts'
import { refuses, type Attack, type Refusal } from './stage.ts'

type Tree = (opened: OpenedVault, file: Content) => Node[] | Promise<Node[]>

const node = (name: string, kind: NodeKind, more: MessageInitShape<typeof NodeSchema>): Node =>
  create(NodeSchema, { id: nodeChance.bytes(16), name, kind, mode: 0o644, mtimeNs: 1n, ...more })
const fileNode = (name: string, content: Content, more: MessageInitShape<typeof NodeSchema> = {}): Node =>
  node(name, NodeKind.FILE, { content, ...more })
const folderNode = (name: string, content: Content): Node => node(name, NodeKind.FOLDER, { content })

/** As it is, whatever rule it breaks. */
const storeTree = (opened: OpenedVault, nodes: Node[]): Promise<Content> =>
  opened.store(ContentKind.TREE, toBinary(TreeSchema, create(TreeSchema, { nodes })))

/** The vault's newest snapshot has this root; afterwards it is again as it was. */
const commits =
  (rootOf: (opened: OpenedVault) => Promise<Content>, refusal: Refusal): Attack['play'] =>
  async (stage) => {
    const good = await (async () => {
      await using opened = await stage.openDesk()
      const root = opened.vault.newest()?.root
      await opened.commit(await rootOf(opened))
      return root
    })()
    assert.ok(good)
    try {
      await refuses(() => ({}), { ...refusal, isLogTaken: true })(stage)
    } finally {
      await using opened = await stage.openDesk()
      await opened.commit(good)
    }
  }

/** A root folder of these nodes. They may name a small file. */
const holds = (tree: Tree, says: RegExp): Attack['play'] =>
  commits(
    async (opened) =>
      storeTree(opened, await tree(opened, await opened.store(ContentKind.DATA, Buffer.from('of a thief')))),
    { says },
  )

const badNames = { '..': '..', '.': '.', 'an empty one': '', 'a path': 'letters/../../x', 'an absolute one': '/tmp/x' }

export const writerAttacks: Attack[] = [
  ...Object.entries({ ...badNames, 'one with NUL': 'a\0b', 'one of 256 bytes': 'x'.repeat(256) }).map(
    ([what, name]) => ({
      name: `a node has a name that leads elsewhere: ${what}`,
      play: holds((_, file) => [fileNode(name, file)], /has a name that no node may have/),
    }),
  ),
  {
    name: 'a link and a folder have one name, so that a file would go through the link',
    play: holds(
      async (opened, file) => [
        node('a', NodeKind.SYMLINK, { mode: 0, linkTarget: '/tmp' }),
        folderNode('a', await storeTree(opened, [fileNode('anysync-evil', file)])),
      ],
      /have one name/,
    ),
  },
  {
    name: 'names are out of order',
    play: holds((_, file) => [fileNode('b', file), fileNode('a', file)], /out of order/),
  },
  {
    name: 'two nodes have one id',
    play: holds(
      (_, file) => [
        fileNode('a', file),
        fileNode('b', file, { id: new Uint8Array(16).fill(1) }),
        fileNode('c', file, { id: new Uint8Array(16).fill(1) }),
      ],
      /there twice/,
    ),
  },
  {
    name: 'a node has the id of the root folder',
    play: holds((_, file) => [fileNode('a', file, { id: new Uint8Array(16) })], /id that no node has/),
  },
  {
    name: 'one node lies in two folders',
    play: holds(async (opened, file) => {
      const twice = fileNode('a', file)
      return [folderNode('x', await storeTree(opened, [twice])), folderNode('y', await storeTree(opened, [twice]))]
    }, /twice|two/),
  },
  {
    name: 'a mode holds more than permissions',
    play: holds((_, file) => [fileNode('a', file, { mode: 0o10644 })], /mode/),
  },
  {
    name: 'a node is of a kind that is not known',
    play: holds((_, file) => [fileNode('a', file, { kind: 9 as NodeKind })], /unknown kind/),
  },
  { name: 'a file has no content', play: holds(() => [node('a', NodeKind.FILE, {})], /no content/) },
  {
    name: 'a link leads to NUL',
    play: holds(() => [node('a', NodeKind.SYMLINK, { mode: 0, linkTarget: 'a\0b' })], /target/),
  },
  {
    name: 'a folder is told to be smaller than it is',
    play: holds(async (opened, file) => {
      const content = await storeTree(opened, [fileNode('a', file)])
      return [folderNode('x', { ...content, size: content.size - 1n })]
    }, /beyond the/),
  },
  {
    name: 'a folder is told to be larger than it is',
    play: holds(async (opened, file) => {
      const content = await storeTree(opened, [fileNode('a', file)])
      return [folderNode('x', { ...content, size: content.size + 1n })]
    }, /lack/),
  },
  {
    name: "a folder's tree is a file's bytes",
    play: holds((_, file) => [folderNode('x', file)], /of kind/),
  },
  {
    name: 'a list of chunks is no list',
    play: holds(async (opened, file) => {
      const { chunks } = await opened.store(ContentKind.TREE, Buffer.from('not a list'))
      return [folderNode('x', create(ContentSchema, { size: 100n, depth: 1, chunks })), fileNode('y', file)]
    }, /of kind|not a list/),
  },
  {
    name: 'a chunk is named that nobody stored',
    play: holds(
      () => [folderNode('x', create(ContentSchema, { size: 10n, chunks: [nodeChance.bytes(32)] }))],
      /no pack of the vault holds/,
    ),
  },
  {
    name: 'folders lie deeper than is allowed',
    play: holds(async (opened, file) => {
      let inner = await storeTree(opened, [fileNode('bottom', file)])
      for (let depth = 0; depth < treeDepthMax + 5; depth++) inner = await storeTree(opened, [folderNode('d', inner)])
      return [folderNode('d', inner)]
    }, /deep/),
  },
  {
    name: 'a segment opens to far more than it says',
    play: commits(
      async ({ vault, session }) => {
        const { keys } = vault
        const [kind, compression, plainLength] = [ContentKind.TREE, Compression.ZSTD, 4 * MiB]
        const frame = zstdCompressSync(Buffer.alloc(256 * MiB))
        const context = encodeContext('segment', idToBytes(vault.id), keys.epoch, kind, compression, plainLength)
        const bytes = keys.content(keys.epoch).seal(frame, context)
        const id = nodeChance.bytes(32)
        const chunks = [{ id, length: plainLength }]
        const entry = create(SegmentSchema, { kind, compression, sealedLength: bytes.length, plainLength, chunks })
        const work = createContentWork({ cipher: nodeCipher, keys })
        const pack = await buildPack({ chance: nodeChance, keys, work }, [{ entry, bytes }])
        await session.remote.putPack(vault.id, pack.id, pack.bytes)
        session.state.putPack(vault.id, indexedPack(pack), true)
        return create(ContentSchema, { size: BigInt(plainLength), chunks: [id] })
      },
      { says: /does not open to/ },
    ),
  },
  {
    name: 'a link is followed by a folder of its name in the next snapshot',
    async play(stage) {
      const outside = stage.scratch.folder('outside')
      await using opened = await stage.openDesk()
      const good = opened.vault.newest()?.root
      assert.ok(good)
      const file = await opened.store(ContentKind.DATA, Buffer.from('of a thief'))
      const nodes = await opened.vault.tree(good)
      const link = node('zz', NodeKind.SYMLINK, { mode: 0, linkTarget: outside })
      await opened.commit(await storeTree(opened, [...nodes, link]))
      assert.equal(await stage.turn({}), null)
      assert.ok(existsSync(`${stage.laptopFolder}/zz`))
      const folder = folderNode('zz', await storeTree(opened, [fileNode('evil', file)]))
      await opened.commit(await storeTree(opened, [...nodes, folder]))
      assert.equal(await stage.turn({}), null)
      assert.deepEqual(readdirSync(outside), [], 'nothing goes through the link')
      assert.deepEqual(readdirSync(`${stage.laptopFolder}/zz`), ['evil'])
      await opened.commit(good)
    },
  },
]
