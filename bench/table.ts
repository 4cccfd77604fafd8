/**
 * What a bench found: one table for a person, or one JSON document for a program.
 */
import { availableParallelism, cpus, totalmem } from 'node:os'

export type Row = Record<string, string | number | null>

export type Findings = {
  bench: string
  /** What was asked for: sizes, counts, seed. */
  settings: Record<string, string | number>
  rows: Row[]
  /** What a reader must know to read the rows rightly. */
  remarks: string[]
}

/** The machine, as far as it decides what was measured. */
export const machine = (): string => {
  const [cpu] = cpus()
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`
  return `${availableParallelism()} cores (${cpu?.model ?? 'unknown'}), ${memory}, ${process.platform} ${process.arch}, Node ${process.version}`
}

export const tell = (findings: Findings, isJson: boolean): void => {
  if (isJson) {
    process.stdout.write(`${JSON.stringify({ ...findings, machine: machine() })}\n`)
    return
  }
  const settings = Object.entries(findings.settings).map(([name, value]) => `${name} ${value}`)
  const lines = [`${findings.bench}: ${settings.join(', ')}`, machine(), '', ...tableLines(findings.rows)]
  for (const remark of findings.remarks) lines.push('', remark)
  process.stdout.write(`${lines.join('\n')}\n`)
}

/** As Markdown has tables, aligned for those who read it as it is. */
const tableLines = (rows: Row[]): string[] => {
  const names = Object.keys(rows[0] ?? {})
  const cells = [names, ...rows.map((row) => names.map((name) => cellOf(row[name] ?? null)))]
  const widths = names.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)))
  const lines = cells.map((row) => `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`)
  lines.splice(1, 0, `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`)
  return lines
}

const cellOf = (value: string | number | null): string => {
  if (value === null) return '–'
  return typeof value === 'number' ? value.toLocaleString('en-US', { maximumFractionDigits: 1 }) : value
}

/** The value below which so large a share of the values lies, by the nearest rank. */
export const percentile = (values: readonly number[], share: number): number => {
  const sorted = values.toSorted((a, b) => a - b)
  const rank = Math.max(1, Math.ceil(sorted.length * share))
  return sorted[rank - 1] ?? Number.NaN
}
