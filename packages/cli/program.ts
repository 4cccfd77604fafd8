/**
 * The words and options of `anysync`. Each command's code is loaded when it is called, so that help is instant.
 */
import { Command, Option } from 'commander'
import { linkModes } from '@anysync/client/ports.ts'
import { addHistoryCommands } from './program-history.ts'
import { addKeepingCommands } from './program-keeping.ts'
import { add, common, type OnEnding } from './program-parts.ts'
import { keysHelp } from './settings/keys.ts'
import { version } from './version.ts'

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
  addKeepingCommands(program, onEnding)
  addConfigCommands(program)
  return program
}

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
  add(program, 'confirm [folder]', 'let deletions and scrambled files that wait go through, and end alarms').action(
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
