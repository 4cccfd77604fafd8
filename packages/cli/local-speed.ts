/**
 * How fast this computer does what costs in a push: cut, name, seal, join and open, one thread and all of them. Bytes are
 * made up, keys are random, and nothing leaves the memory.
 */
import { createWindows } from '@anysync/client/content/windows.ts'
import { createContentWork, type ContentWork } from '@anysync/client/content/work.ts'
import { openVaultKeys } from '@anysync/client/crypto/vault-keys.ts'
import { ContentKind } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { vaultIdFromBytes } from '@anysync/protocol/ids.ts'
import { dataCut, idBytes, keyBytes, MiB } from '@anysync/protocol/limits.ts'
import { workInThreads } from './ports/content-threads.ts'
import { nodeChance } from './ports/chance.ts'
import { nodeCipher } from './ports/cipher.ts'
import { createThreads } from './ports/threads.ts'

export type Speed = {
  what: string
  /** Megabytes a second of plaintext. */
  oneThread: number
  allThreads: number
}

const portionBytes = 1 * MiB
const portionsDefault = 64

/** Takes a few seconds. `count`: megabytes that each stage works on. */
export const measureSpeeds = async (count = portionsDefault): Promise<{ threads: number; speeds: Speed[] }> => {
  const vaultId = vaultIdFromBytes(nodeChance.bytes(idBytes))
  const vaultKeyByEpoch = new Map([[0, nodeChance.bytes(keyBytes)]])
  const keys = openVaultKeys(nodeCipher, nodeChance, vaultId, vaultKeyByEpoch)
  await using threads = createThreads({ worthBytes: 0 })
  const one = createContentWork({ cipher: nodeCipher, keys })
  const all = workInThreads(threads)(vaultId, vaultKeyByEpoch)
  const windows = createWindows(all.allocate)
  const noise = portionsOf(all, count, () => nodeChance.bytes(portionBytes))
  const words = portionsOf(all, count, madeUpText)

  const stages: [string, Uint8Array[], (work: ContentWork, portion: Uint8Array) => Promise<unknown>][] = [
    ['name', noise, (work, portion) => work.name(ContentKind.DATA, [portion])],
    ['cut', noise, (work, portion) => work.cut(dataCut, portion, true)],
    ['seal what does not shrink', noise, (work, portion) => work.seal(ContentKind.DATA, [portion])],
    ['compress and seal text', words, (work, portion) => work.seal(ContentKind.DATA, [portion])],
    [
      'join and hash',
      noise,
      (work, portion) => {
        const { memory, release } = windows.take(portion.length)
        return work.join([portion.slice()], memory.subarray(0, portion.length)).finally(release)
      },
    ],
  ]
  const speeds: Speed[] = [{ what: 'copy memory', ...copySpeed(noise) }]
  for (const [what, portions, run] of stages) {
    // Once for nothing: what was never run is slow.
    await rate(portions.slice(0, 4), (portion) => run(all, portion), threads.count)
    const oneThread = await rate(portions, (portion) => run(one, portion), 1)
    const allThreads = await rate(portions, (portion) => run(all, portion), 2 * threads.count)
    speeds.push({ what, oneThread, allThreads })
  }
  return { threads: threads.count, speeds }
}

const portionsOf = (work: ContentWork, count: number, make: () => Uint8Array): Uint8Array[] =>
  Array.from({ length: count }, () => {
    const portion = work.allocate(portionBytes)
    portion.set(make())
    return portion
  })

/** Words of four letters from a small alphabet: shrinks to about a third. */
const madeUpText = (): Uint8Array =>
  nodeChance.bytes(portionBytes).map((byte, i) => (i % 5 === 4 ? 32 : 97 + (byte % 6)))

const copySpeed = (portions: Uint8Array[]): { oneThread: number; allThreads: number } => {
  const target = new Uint8Array(portionBytes)
  const startedMs = performance.now()
  for (const portion of portions) target.set(portion)
  const speed = megabytesPerSecond(portions, startedMs)
  return { oneThread: speed, allThreads: speed }
}

/** Megabytes a second when so many are worked on at once. */
const rate = async (
  portions: Uint8Array[],
  run: (portion: Uint8Array) => Promise<unknown>,
  atOnce: number,
): Promise<number> => {
  const startedMs = performance.now()
  const next = portions.values()
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (const portion of next) await run(portion)
    }),
  )
  return megabytesPerSecond(portions, startedMs)
}

const megabytesPerSecond = (portions: Uint8Array[], startedMs: number): number =>
  Math.round((portions.length * portionBytes) / 1000 / Math.max(performance.now() - startedMs, 0.001))
