/**
 * How many changes a round takes up when the one before it did not come to the end. What that could not carry out is found
 * again, and must not keep the next from what lies behind it; nor must what cannot be carried out at all.
 */

/** `last`: how many that round took up; `usual`: how many a round does. `isStuck`: it came no further than before. */
export const nextRoundSize = (
  last: number,
  usual: number,
  { isStuck, undone }: { isStuck: boolean; undone: number },
) => (isStuck ? 2 * last : usual + undone)
