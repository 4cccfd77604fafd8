/**
 * The words and options of the commands that decide what is kept, free what is not, and prove that the rest is there.
 */
import { Option, type Command } from 'commander'
import { linkModes } from '@anysync/client/ports.ts'
import { spans } from '@anysync/client/vault/retention.ts'
import type { RebuildOptions } from './commands/doctor-rebuild.ts'
import { add, history, type OnEnding } from './program-parts.ts'

const several = (value: string, before: string[] | undefined): string[] => [...(before ?? []), value]

export const addKeepingCommands = (program: Command, onEnding: OnEnding): void => {
  program.commandsGroup('Keeping:')
  const forget = history(
    add(program, 'forget [folder]', 'keep old snapshots no longer, but for those that a rule keeps'),
  )
    .option('--keep-last <n>', 'the newest so many')
    .option(
      '--keep-within <duration>',
      'all that are no older than that, as in 30d or 1y6m (years, months, days, hours)',
    )
    .option('--keep-tag <label>', 'all with this label; may be given several times', several)
    .option('-n, --dry-run', 'tell which rule keeps what, and forget nothing')
  for (const span of spans) {
    forget.option(`--keep-${span} <n>`, `the newest of each of so many ${noun[span]}, or unlimited`)
    forget.option(`--keep-within-${span} <duration>`, `the newest of each of the ${noun[span]} within that time`)
  }
  forget
    .addHelpText('after', '\nWithout a rule: --keep-within 30d --keep-within-daily 1y --keep-monthly unlimited')
    .action(async (folder: string | undefined, _own, command: Command) =>
      (await import('./commands/forget.ts')).forgetSnapshots(folder, command.optsWithGlobals()),
    )
  history(add(program, 'prune [folder]', 'free what no snapshot that is kept needs'))
    .option('-n, --dry-run', 'tell how much that is, and free nothing')
    .action(async (folder: string | undefined, _own, command: Command) =>
      (await import('./commands/prune.ts')).pruneVault(folder, command.optsWithGlobals()),
    )
  history(add(program, 'rescue [snapshots...]', 'keep forgotten snapshots again, all or by number'))
    .option('--folder <folder>', 'of the vault that this folder is linked to')
    .option('-n, --dry-run', 'tell which were forgotten, and change nothing')
    .action(async (snapshots: string[], _own, command: Command) =>
      onEnding(await (await import('./commands/rescue.ts')).rescueSnapshots(snapshots, command.optsWithGlobals())),
    )
  history(add(program, 'verify [folder]', 'prove that a vault is whole: its log, every tree, every pack'))
    .option('--data <share>', 'also read packs and check every byte: all, or a share of them such as 5%')
    .option('--repair', 'store again what the server has lost and this device still has')
    .action(async (folder: string | undefined, _own, command: Command) =>
      onEnding(await (await import('./commands/verify.ts')).verifyVault(folder, command.optsWithGlobals())),
    )
  add(program, 'doctor [folders...]', 'look at what you cannot see: keys, state, folders, daemon, server, clock')
    .option('--rebuild', 'make a damaged or lost state anew and link these folders again; the old state is kept')
    .option('--vault <name>', 'with --rebuild: of folders whose markers do not say theirs')
    .addOption(
      new Option('--mode <mode>', 'with --rebuild: the same for what travels').choices(linkModes).default('sync'),
    )
    .action(async (folders: string[], _own, command: Command) => {
      const options = command.optsWithGlobals<RebuildOptions & { rebuild?: boolean }>()
      onEnding(
        options.rebuild === true
          ? await (await import('./commands/doctor-rebuild.ts')).rebuildState(folders, options)
          : await (await import('./commands/doctor.ts')).doctor(folders, options),
      )
    })
  history(add(program, 'tag <when> [label]', 'name a snapshot, or pin it'))
    .option('--folder <folder>', 'of the vault that this folder is linked to')
    .option('--pin', 'no rule forgets it')
    .option('--unpin', 'rules may forget it again')
    .action(async (when: string, label: string | undefined, _own, command: Command) =>
      (await import('./commands/tag.ts')).tagSnapshot(when, label, command.optsWithGlobals()),
    )
}

const noun = { hourly: 'hours', daily: 'days', weekly: 'weeks', monthly: 'months', yearly: 'years' } as const
