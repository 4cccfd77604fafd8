/**
 * What `bare.ts` remembers of what it stored, and what it tells its threads.
 */
import { join } from 'node:path'

/** A run of bytes of a file, and where it lies in its segment. */
export type Piece = { file: number; at: number; offset: number; length: number; hash: string; isWhole: boolean }
export type Segment = { length: number; plainLength: number; pieces: Piece[] }
export type Pack = { name: string; segments: Segment[] }
export type File = { path: string; size: number; mode: number; mtimeMs: number }
export type Index = { folders: string[]; files: File[]; packs: Pack[] }

/** What a thread reads at once: a file, or a part of a large one. */
export type Portion = { file: number; offset: number; length: number }

/** What a thread is to do; whoever is free takes the next from the counter. */
export type Task = {
  job: 'push' | 'restore'
  store: string
  folder: string
  index: Index
  portions: Portion[]
  counter: Int32Array
}

/** Where files lie until they are whole. */
export const asideOf = (folder: string): string => join(folder, '.aside')
