/**
 * What was done to a node and why, in the words of `anysync log`: the memory that a person asks when a file is not
 * what they expected.
 */

/** 'here': on this disk. 'there': in the vault, and so on every other device. 'forgotten': snapshots of the vault. */
export const deeds = [
  'pushed',
  'pulled',
  'made-here',
  'made-there',
  'moved-here',
  'moved-there',
  'changed-here',
  'changed-there',
  'removed-here',
  'removed-there',
  'kept-both',
  'forgotten',
] as const

export type Deed = (typeof deeds)[number]

export type Action = {
  timeNs: bigint
  /** Relative to the linked folder, '' for the vault itself; for what moved, where it is now. */
  path: string
  what: Deed
  /** The reason in plain words. */
  why: string
}

/** Which actions to read. */
export type ActionsQuery = {
  limit: number
  /** Only of this path and what lies below it. */
  path?: string
}
