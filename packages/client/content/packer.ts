/**
 * Seals segments and lays them into packs, a few at a time. Each lane is a sequence of packs of its own, so that trees,
 * which every device reads, do not lie scattered among data, which few read; what is left at the end shares one pack.
 */
import type { IndexedPack } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { createGate } from './gate.ts'
import { createGatherer, type Gathered, type Gatherer } from './gather.ts'
import type { Chunk } from './identify.ts'
import { createOpenPack, shareOne, type OpenPack } from './open-pack.ts'
import { indexedPack, type SealedPack } from './pack.ts'
import type { SealedSegment } from './segment.ts'

/** Index packs are named by records, so they are never shared. */
export type LaneName = 'tree' | 'data' | 'index'

export type PackerParts = {
  /** May run elsewhere, such as in a worker: lanes keep the order of their segments whatever the order of answers. */
  seal: (segment: Gathered) => Promise<SealedSegment>
  /** How many segments may be sealed, or wait for their pack, while more are placed. */
  sealingMax: number
  build: (segments: SealedSegment[]) => Promise<SealedPack>
  /** The bytes are needed until it resolves. */
  storePack: (pack: SealedPack) => Promise<void>
  /** How many packs may be on their way at once. */
  storingMax: () => number
}

export type Packer = {
  /**
   * Takes chunks, which stay neighbours, and resolves when no more than a few segments wait for their pack: await it to
   * hold bounded memory. Throws what any earlier seal or store threw; then nothing more is taken.
   */
  place(lane: LaneName, chunks: Chunk[]): Promise<void>
  /** Throws what an earlier seal or store threw. */
  check(): void
  /** Stores what was placed; all packs stored since the last finish, in order. */
  finish(): Promise<IndexedPack[]>
}

export const createPacker = (parts: PackerParts): Packer => {
  const lanes = { tree: createLane(), data: createLane(), index: createLane() }
  const storing = createGate(parts.storingMax)
  const underWay = new Set<Promise<unknown>>()
  // Segments that are being sealed or wait for their pack, and who waits for fewer.
  let waiting = 0
  const sleepers: (() => void)[] = []
  let packs: IndexedPack[] = []
  let failure: { error: unknown } | null = null

  const check = (): void => {
    // The same error for every caller: the first is the cause of all.
    // oxlint-disable-next-line typescript/only-throw-error -- passed on as it came
    if (failure) throw failure.error
  }

  /** Runs a step unless an earlier one failed, and remembers when it fails: null then, and `check` tells the callers. */
  const attempt = async <Result>(step: () => Promise<Result> | Result): Promise<Result | null> => {
    try {
      return failure ? null : await step()
    } catch (error) {
      failure ??= { error }
      return null
    }
  }

  /** Resolves when the pack is on its way: then its segments are needed no more. */
  const store = async (segments: SealedSegment[]): Promise<void> => {
    if (segments.length === 0) return
    await storing.enter()
    send(await attempt(() => parts.build(segments)))
  }

  const send = (pack: SealedPack | null): void => {
    if (pack) packs.push(indexedPack(pack))
    const sent = attempt(() => pack && parts.storePack(pack)).finally(() => {
      pack?.release()
      storing.leave()
      underWay.delete(sent)
    })
    underWay.add(sent)
  }

  const close = (lane: Lane, gathered: Gathered): void => {
    const sealing = attempt(() => parts.seal(gathered))
    const before = lane.last
    waiting++
    lane.last = attempt(async () => {
      await before
      const segment = await sealing
      if (segment === null) return
      if (!lane.pack.fits(segment)) await store(lane.pack.take())
      lane.pack.add(segment)
    }).finally(() => {
      waiting--
      for (const wake of sleepers.splice(0)) wake()
    })
  }

  const hasRoom = async (): Promise<void> => {
    while (waiting > parts.sealingMax) await new Promise<void>((wake) => sleepers.push(wake))
  }

  return {
    async place(name, chunks) {
      check()
      const lane = lanes[name]
      for (const chunk of chunks) {
        const full = lane.gatherer.add(chunk)
        if (full) close(lane, full)
      }
      await hasRoom()
      check()
    },
    check,
    async finish() {
      const { tree, data, index } = lanes
      for (const lane of [tree, data, index]) {
        for (const rest of lane.gatherer.finish()) close(lane, rest)
      }
      await Promise.all([tree.last, data.last, index.last])
      check()
      for (const segments of shareOne(tree.pack.take(), data.pack.take())) await store(segments)
      await store(index.pack.take())
      await Promise.all(underWay)
      check()
      const stored = packs
      packs = []
      return stored
    },
  }
}

type Lane = { gatherer: Gatherer; pack: OpenPack; last: Promise<unknown> }

const createLane = (): Lane => ({ gatherer: createGatherer(), pack: createOpenPack(), last: Promise.resolve() })
