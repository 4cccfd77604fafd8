/**
 * Standard output and standard error, for people and for programs: with --json, standard output carries JSON documents
 * and nothing else. Names in lines for people must have gone through `shown`.
 */

/** What every command is given by its options. */
export type OutputOptions = { json?: boolean; quiet?: boolean }

export type Writer = { write(text: string): unknown }

export type Output = {
  /** One line of the answer for people, on standard output. Nothing with --json. */
  say(line: string): void
  /** One JSON document on a line of standard output. Nothing without --json. */
  tell(document: unknown): void
  /** A line on standard error for what the answer does not hold. Nothing with --quiet. */
  note(line: string): void
}

export const createOutput = (
  { json = false, quiet = false }: OutputOptions,
  out: Writer = process.stdout,
  err: Writer = process.stderr,
): Output => ({
  say: (line) => void (json || out.write(`${line}\n`)),
  tell: (document) => void (json && out.write(`${JSON.stringify(document, plain)}\n`)),
  note: (line) => void (quiet || err.write(`${line}\n`)),
})

/** Whole numbers of any size are written as numbers while a reader's double can hold them, else as text. */
const plain = (_key: string, value: unknown): unknown => {
  if (typeof value !== 'bigint') return value
  return Number.isSafeInteger(Number(value)) ? Number(value) : value.toString()
}

/** Columns as wide as their widest cell; the last is left as it is. */
export const table = (rows: readonly (readonly string[])[]): string[] => {
  const widths: number[] = []
  for (const row of rows) {
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, cell.length)
    })
  }
  return rows.map((row) =>
    row
      .map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
      .join('  ')
      .trimEnd(),
  )
}
