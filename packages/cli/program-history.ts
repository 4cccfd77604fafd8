/**
 * The words and options of the commands that read the past and get it back.
 */
import type { Command } from 'commander'
import { add, history, whenHelp, type OnEnding } from './program-parts.ts'

export const addHistoryCommands = (program: Command, onEnding: OnEnding): void => {
  program.commandsGroup('History:')
  history(add(program, 'snapshots [path]', 'the states that the vault was in, or those that changed a path'))
    .option('-a, --all', 'every one; else of older times fewer')
    .option('--device <name>', 'those that this device made')
    .option('--since <when>', 'none before this time')
    .option('--until <when>', 'none after this time')
    .action(async (path: string | undefined, _own, command: Command) =>
      (await import('./commands/snapshots.ts')).snapshots(path, command.optsWithGlobals()),
    )
  history(add(program, 'diff <from> [to]', 'what differs between two times, or since one'))
    .option('--path <path>', 'only what is at or below it')
    .action(async (from: string, to: string | undefined, _own, command: Command) =>
      (await import('./commands/diff.ts')).diff(from, to, command.optsWithGlobals()),
    )
  history(add(program, 'versions <path>', 'every version of a file')).action(
    async (path: string, _own, command: Command) =>
      (await import('./commands/versions.ts')).listVersions(path, command.optsWithGlobals()),
  )
  history(add(program, 'ls [path]', 'what a folder of the vault holds, or held'))
    .option('--at <when>', whenHelp)
    .option('-r, --recursive', 'with everything below it')
    .action(async (path: string | undefined, _own, command: Command) =>
      (await import('./commands/ls.ts')).ls(path, command.optsWithGlobals()),
    )
  history(add(program, 'cat <path>', 'the bytes of a file, on standard output'))
    .option('--at <when>', whenHelp)
    .action(async (path: string, _own, command: Command) =>
      (await import('./commands/cat.ts')).cat(path, command.optsWithGlobals()),
    )
  history(add(program, 'restore [path]', 'get a file, a folder or a whole vault back'))
    .option('--at <when>', whenHelp.replace('the newest', 'the newest that has it'))
    .option('--to <dir>', 'into this folder; only what is not there yet, and nothing in it is overwritten')
    .option('--in-place', 'to where it was, by a new snapshot: it can be undone')
    .option('--delete', 'with --in-place: also remove what was not there then')
    .option('-n, --dry-run', 'tell what would be done, and do nothing')
    .option('--verify', 'read what was restored again; with --in-place, before it is put back')
    .action(async (path: string | undefined, _own, command: Command) =>
      onEnding(await (await import('./commands/restore.ts')).restorePath(path, command.optsWithGlobals())),
    )
}
