/**
 * The words and options of `anysync`. Each command's code is loaded when it is called, so that help is instant.
 */
import { Command, Option } from 'commander'
import { linkModes } from '@anysync/client/ports.ts'
import type { ExitCode } from './output/fail.ts'
import { keysHelp } from './settings/keys.ts'
import { version } from './version.ts'

/** Told when a command ends with something else than done. */
type OnEnding = (code: ExitCode) => void

export const buildProgram = (onEnding: OnEnding): Command => {
  const program = new Command('anysync')
    .description('Sync, back up and restore folders. Everything is sealed before it leaves this computer.')
    .version(version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show help')
    .helpCommand('help [command]', 'show help for a command')
    .configureOutput({
      outputError: (text, write) =>
        write(`${text.trimEnd().replace(/^error: /, 'anysync: ')} (see 'anysync --help')\n`),
    })
    .exitOverride()
  common(program)
  addAccountCommands(program)
  addVaultCommands(program)
  addFolderCommands(program, onEnding)
  addDaemonCommands(program)
  addHistoryCommands(program, onEnding)
  addConfigCommands(program)
  return program
}

/** What every command takes, before its name or after. */
const common = (command: Command): Command =>
  command
    .option('--home <dir>', 'where keys and state are kept (default: $ANYSYNC_HOME or ~/.AnySync)')
    .option('--account <e-mail>', 'which account, when several are signed in')
    .option('--json', 'print JSON and nothing else on standard output')
    .option('-q, --quiet', 'no progress and no notes')

const add = (parent: Command, words: string, description: string): Command =>
  common(parent.command(words).description(description).helpOption('-h, --help', 'show help'))

const signInOptions = (command: Command): Command =>
  command
    .option('--email <address>', 'the account (needed)')
    .option('--device <name>', "what to call this device (default: the computer's name)")
    .option('--password-file <file>', 'read the password from a file; - is standard input')
    .option('--proxy <address>', 'reach the server through a proxy, now and from now on (see config set)')
    .option('--proxy-login-file <file>', 'USER:PASSWORD of the proxy, from a file')

const addAccountCommands = (program: Command): void => {
  program.commandsGroup('Account:')
  signInOptions(add(program, 'signup <link>', 'make an account with an invitation, and sign this device in'))
    .addOption(
      new Option('--kdf <cost>', 'how much work guessing the password takes')
        .choices(['default', 'strong'])
        .default('default'),
    )
    .action(async (link: string, _own, command: Command) =>
      (await import('./commands/signup.ts')).signup(link, command.optsWithGlobals()),
    )
  signInOptions(add(program, 'login <link-or-address>', 'sign this device in with the password'))
    .option('--fingerprint <hex>', "SHA-256 of the server's certificate, when the link does not hold it")
    .option('--master-keys <file>', 'a copy of master.keys, which what the server has must continue')
    .action(async (address: string, _own, command: Command) =>
      (await import('./commands/login.ts')).login(address, command.optsWithGlobals()),
    )
  add(program, 'logout', 'sign this device out; files stay where they are').action(async (_own, command: Command) =>
    (await import('./commands/logout.ts')).logout(command.optsWithGlobals()),
  )
  add(program, 'whoami', 'the account, the device and what is stored').action(async (_own, command: Command) =>
    (await import('./commands/whoami.ts')).whoami(command.optsWithGlobals()),
  )
}

const addVaultCommands = (program: Command): void => {
  program.commandsGroup('Vaults and folders:')
  const vault = program.command('vault').description('make and list vaults').helpOption('-h, --help', 'show help')
  add(vault, 'create <name>', 'make a vault').action(async (name: string, _own, command: Command) =>
    (await import('./commands/vault.ts')).createVault(name, command.optsWithGlobals()),
  )
  add(vault, 'list', 'the vaults of the account').action(async (_own, command: Command) =>
    (await import('./commands/vault.ts')).list(command.optsWithGlobals()),
  )
}

const addFolderCommands = (program: Command, onEnding: OnEnding): void => {
  add(program, 'add <folder>', 'link a folder to a vault')
    .requiredOption('--vault <name>', 'the vault')
    .option('--create', 'make the vault if there is none of that name')
    .addOption(
      new Option('--mode <mode>', 'what travels: both ways, up only, new files up, down only')
        .choices(linkModes)
        .default('sync'),
    )
    .action(async (folder: string, _own, command: Command) =>
      (await import('./commands/add.ts')).addFolder(folder, command.optsWithGlobals()),
    )
  add(program, 'remove <folder>', 'unlink a folder; its files stay').action(
    async (folder: string, _own, command: Command) =>
      (await import('./commands/remove.ts')).removeFolder(folder, command.optsWithGlobals()),
  )
  add(program, 'sync [folder]', 'bring folders and vaults in step, once')
    .option('-n, --dry-run', 'tell what would be done, and do nothing')
    .action(async (folder: string | undefined, _own, command: Command) =>
      onEnding(await (await import('./commands/sync.ts')).sync(folder, command.optsWithGlobals())),
    )
  add(program, 'status [path]', 'the state of folders, or of one file, and why').action(
    async (path: string | undefined, _own, command: Command) =>
      (await import('./commands/status.ts')).status(path, command.optsWithGlobals()),
  )
  add(program, 'log [path]', 'what was done, newest first, and why')
    .option('--limit <number>', 'how many lines', '50')
    .action(async (path: string | undefined, _own, command: Command) =>
      (await import('./commands/log.ts')).log(path, command.optsWithGlobals()),
    )
  add(program, 'confirm [folder]', 'let deletions that wait go through, and end alarms').action(
    async (folder: string | undefined, _own, command: Command) =>
      (await import('./commands/confirm.ts')).confirm(folder, command.optsWithGlobals()),
  )
}

const addDaemonCommands = (program: Command): void => {
  program.commandsGroup('Daemon:')
  add(program, 'start', 'stay in step: watch the folders and follow the vaults, in the background')
    .option('--foreground', 'in this terminal, until interrupted')
    .action(async (_own, command: Command) => (await import('./commands/start.ts')).start(command.optsWithGlobals()))
  add(program, 'stop', 'end that, after the running turn').action(async (_own, command: Command) =>
    (await import('./commands/stop.ts')).stop(command.optsWithGlobals()),
  )
  add(program, 'pause', 'sync nothing until told to resume').action(async (_own, command: Command) =>
    (await import('./commands/pause.ts')).pause(command.optsWithGlobals()),
  )
  add(program, 'resume', 'go on after a pause').action(async (_own, command: Command) =>
    (await import('./commands/resume.ts')).resume(command.optsWithGlobals()),
  )
}

const whenHelp = 'a snapshot number, a time like 2026-11-23T12:00, or an age like 2h or 3d (default: the newest)'

/** PATH may be a path on this disk within a linked folder, or with --vault a path in the vault. */
const history = (command: Command): Command =>
  command.option('--vault <name>', 'take paths as paths in this vault, not on this disk')

const addHistoryCommands = (program: Command, onEnding: OnEnding): void => {
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

const ofFolder = (command: Command): Command =>
  command.option('--folder <folder>', "a linked folder's own setting, which goes before the account's")

const addConfigCommands = (program: Command): void => {
  program.commandsGroup('Settings:')
  add(program, 'bench', 'how fast this computer cuts, seals and opens, without any server').action(
    async (_own, command: Command) => (await import('./commands/bench.ts')).bench(command.optsWithGlobals()),
  )
  const config = program
    .command('config')
    .description('what is synced, how fast, and through which proxy')
    .helpOption('-h, --help', 'show help')
  ofFolder(add(config, 'get [key]', 'show one setting, or all with those of folders')).action(
    async (key: string | undefined, _own, command: Command) => {
      const options = command.optsWithGlobals()
      if (key === 'mode') await (await import('./commands/mode.ts')).getMode(options)
      else await (await import('./commands/config.ts')).getConfig(key, options)
    },
  )
  ofFolder(
    add(
      config,
      'set <key> <value...>',
      'set one; off or none sets none; mode is of a folder: sync, backup, new-only or mirror',
    ),
  )
    .option('--password-file <file>', 'with proxy: a file that holds USER:PASSWORD; - is standard input')
    .addHelpText('after', keysHelp())
    .action(async (key: string, words: string[], _own, command: Command) => {
      const options = command.optsWithGlobals()
      if (key === 'mode') await (await import('./commands/mode.ts')).setMode(words, options)
      else await (await import('./commands/config.ts')).setConfig(key, words, options)
    })
  ofFolder(add(config, 'unset <key>', 'let it be as usual again')).action(
    async (key: string, _own, command: Command) => {
      const options = command.optsWithGlobals()
      if (key === 'mode') await (await import('./commands/mode.ts')).unsetMode(options)
      else await (await import('./commands/config.ts')).unsetConfig(key, options)
    },
  )
}
