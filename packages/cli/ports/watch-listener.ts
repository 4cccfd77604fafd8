/**
 * What the two ways to watch a folder have in common: what they tell, and which changes are AnySync's own.
 */
import { privateName } from './refuse-name.ts'

/** The file in the private folder that is touched to see whether changes are told. */
export const probeName = 'probe'

export type Listener = {
  /** Something changed in this folder, relative to the linked one. */
  touched(folder: string): void
  /** Some changes were not told, anywhere. */
  lost(): void
  /** Nothing will be told any more. */
  failed(cause: unknown): void
  /** The probe was touched. */
  probed(): void
}

/** A way to watch. Throws the system's own errors. */
export type Lookout = {
  /** Resolves when all that can be watched is. */
  open(signal: AbortSignal): Promise<void>
  gap(): string | null
  close(): void
}

export type ChangeOf = 'probe' | 'marker' | 'private' | 'folder'

/** Whose change it is, by the names on the way from the linked folder. */
export const changeOf = (names: readonly string[]): ChangeOf => {
  // Temp files of ours lie also on other disks below.
  if (names.indexOf(privateName) > 0) return 'private'
  if (names[0] !== privateName || names.length < 2) return 'folder'
  if (names.length === 2 && names[1] === probeName) return 'probe'
  return names.length === 2 && names[1] === 'marker' ? 'marker' : 'private'
}
