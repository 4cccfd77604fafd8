/**
 * Two folders that something keeps in step, whatever it is: AnySync's daemons, or another program to compare with.
 */
export type Pair = AsyncDisposable & {
  name: string
  /** Where edits are made, and where they shall appear. */
  from: string
  to: string
}
