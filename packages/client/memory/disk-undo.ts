/**
 * What a memory disk did since it was last settled, and how to undo it: the part of a power cut that can be simulated.
 */
import type { Inode } from './disk-inodes.ts'

export type UndoList = {
  /** `undo` takes one change of an inode back, and does nothing when a later change stands in its way. */
  add(inode: Inode, undo: () => void): void
  /** Everything so far is durable. */
  forget(): void
  undo(isLost: () => boolean): void
}

export const createUndoList = (): UndoList => {
  let changes: { inode: Inode; edits: number; undo: () => void }[] = []
  return {
    add: (inode, undo) => void changes.push({ inode, edits: inode.edits, undo }),
    forget: () => {
      changes = []
    },
    undo: (isLost) => {
      for (const { inode, edits, undo } of changes.toReversed()) {
        // What a person did to it since must stay.
        if (isLost() && inode.edits === edits) undo()
      }
      changes = []
    },
  }
}
