/**
 * What the commands of `anysync` have in common.
 */
import type { Command } from 'commander'
import type { ExitCode } from './output/fail.ts'

/** Told when a command ends with something else than done. */
export type OnEnding = (code: ExitCode) => void

/** What every command takes, before its name or after. */
export const common = (command: Command): Command =>
  command
    .option('--home <dir>', 'where keys and state are kept (default: $ANYSYNC_HOME or ~/.AnySync)')
    .option('--account <e-mail>', 'which account, when several are signed in')
    .option('--json', 'print JSON and nothing else on standard output')
    .option('-q, --quiet', 'no progress and no notes')

export const add = (parent: Command, words: string, description: string): Command =>
  common(parent.command(words).description(description).helpOption('-h, --help', 'show help'))

/** PATH may be a path on this disk within a linked folder, or with --vault a path in the vault. */
export const history = (command: Command): Command =>
  command.option('--vault <name>', 'take paths as paths in this vault, not on this disk')

export const whenHelp = 'a snapshot number, a time like 2026-11-23T12:00, or an age like 2h or 3d (default: the newest)'
