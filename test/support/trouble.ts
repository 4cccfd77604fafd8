/**
 * How a command must fail: with the right exit code, and one clear sentence that tells no secret.
 */
import assert from 'node:assert/strict'
import { described, documentsOf, type Result } from './programs.ts'

export type Wanted = {
  exitCode: 1 | 2 | 3
  /** What the sentence must say. */
  says: RegExp
  /** What it must not. */
  never?: string[]
}

/** What a program says of itself when it fails unplanned. */
const bug = /\bbug\b|\n\s+at |Error:|\bundefined\b|\bnull\b|\[object|\.ts:\d|node:internal/

export const assertTrouble = (result: Result, { exitCode, says, never = [] }: Wanted): void => {
  const all = described(result)
  assert.equal(result.exitCode, exitCode, all)
  // A wrong use may be followed by a hint where help is.
  const form = exitCode === 2 ? /^anysync: [^\n]+\n(\(see [^\n]+\)\n)?$/ : /^anysync: [^\n]+\n$/
  assert.match(result.stderr, form, `one sentence was wanted: ${all}`)
  assert.match(result.stderr, says, all)
  assert.doesNotMatch(result.stderr + result.stdout, bug, all)
  for (const secret of never) assert.ok(!(result.stderr + result.stdout).includes(secret), `it tells ${secret}: ${all}`)
  if (result.command.includes('--json')) documentsOf(result)
}
