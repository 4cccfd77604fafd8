/**
 * A program that keeps a folder's bytes elsewhere and gives them back: ours, or one that it is compared with. Each is
 * begun anew for every round, so that a first push is one.
 */
import type { Scratch } from '../test/support/scratch.ts'
import type { Measured } from './measured.ts'

export type Step = Measured & {
  /** What its server cost meanwhile; null where there is none. */
  server: { cpuMs: number; rssPeakBytes: number } | null
}

export type Keeper = AsyncDisposable & {
  push(): Promise<Step>
  /** Into an empty folder. */
  restore(to: string): Promise<Step>
  storedBytes(): number
}

export type KeeperMaker = { name: string; open(scratch: Scratch, source: string): Promise<Keeper> }
