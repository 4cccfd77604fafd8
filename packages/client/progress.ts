/** How far long work is, whatever the work: what status, progress lines and programs are told. */

/** Totals are 0 while they are not known. */
export type ProgressOf<Phase extends string> = {
  phase: Phase
  files: number
  filesTotal: number
  bytes: number
  bytesTotal: number
}
