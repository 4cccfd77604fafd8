/**
 * The `anysync-server` command: words and options, exit codes, one line for each failure. Each command's code is loaded
 * when it is called, so that help is instant.
 */
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { SyncError } from '@anysync/protocol/errors.ts'
import { parseHost, parsePort, type CommonOptions, type PlaceOptions } from './commands/options.ts'
import type { InviteOptions } from './commands/invite.ts'
import { troubleOf } from './trouble.ts'

const exitFailed = 1
const exitUsage = 2

const buildProgram = (): Command => {
  const program = new Command('anysync-server')
    .description('The AnySync server: keeps what clients sealed, and can read none of it.')
    .configureOutput({
      outputError: (text, write) =>
        write(`${text.trimEnd().replace(/^error: /, 'anysync-server: ')} (see 'anysync-server --help')\n`),
    })
    .exitOverride()
  const command = (name: string, description: string): Command =>
    program
      .command(name)
      .description(description)
      .option('--home <dir>', 'where the server keeps everything (default: $ANYSYNC_HOME or ~/.AnySync)')
      .option('--json', 'print JSON')

  place(command('init', 'make the home: settings, certificate, database'), 'the port (default: 65065)').action(
    async (options: PlaceOptions) => (await import('./commands/init.ts')).init(options),
  )
  place(command('start', 'serve until stopped'), 'the port for this run; 0 takes a free one').action(
    async (options: PlaceOptions) => (await import('./commands/serve.ts')).start(options),
  )
  place(command('run', 'make the home if there is none, invite, and serve'), 'the port; 0 takes a free one').action(
    async (options: PlaceOptions) => (await import('./commands/run.ts')).run(options),
  )
  command('status', 'whether it runs, and what it holds').action(async (options: CommonOptions) =>
    (await import('./commands/status.ts')).status(options),
  )
  command('stop', 'stop the running server').action(async (options: CommonOptions) =>
    (await import('./commands/stop.ts')).stop(options),
  )
  place(command('invite', 'make a link that lets one person make one account'), 'the port to write in the link')
    .option('--quota <size>', 'the most the account may store, as in 50GB (default: no limit)')
    .option('--expires <duration>', 'how long it is good, as in 12h (default: 7d)')
    .action(async (options: InviteOptions) => (await import('./commands/invite.ts')).invite(options))
  command('sweep', 'delete packs that no vault needs and whose hold time has passed').action(
    async (options: CommonOptions) => (await import('./commands/sweep.ts')).sweep(options),
  )
  command('scrub', 'read every pack and see that it is what its name says').action(async (options: CommonOptions) => {
    if (!(await (await import('./commands/scrub.ts')).scrub(options))) process.exitCode = exitFailed
  })
  return program
}

const place = (of: Command, portHelp: string): Command =>
  of
    .addOption(new Option('--port <number>', portHelp).argParser(argumentBy(parsePort)))
    .addOption(
      new Option(
        '--host <address>',
        'the address to listen on and to write in links (default: listen on all)',
      ).argParser(argumentBy(parseHost)),
    )

/** What a parser refuses is a wrong use of the command. */
const argumentBy =
  <Value>(parse: (text: string) => Value) =>
  (text: string): Value => {
    try {
      return parse(text)
    } catch (error) {
      throw new InvalidArgumentError(error instanceof Error ? error.message : text)
    }
  }

/** What the system refuses, a folder that is not ours for one, is said by its own message; a bug needs its trace. */
const isBug = (error: unknown): error is Error =>
  error instanceof Error && !(error instanceof SyncError) && !('syscall' in error)

const main = async (): Promise<number> => {
  try {
    await buildProgram().parseAsync(process.argv)
    return process.exitCode === exitFailed ? exitFailed : 0
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : exitUsage
    const trouble = troubleOf(error) ?? error
    const message = trouble instanceof Error ? trouble.message : String(trouble)
    process.stderr.write(`anysync-server: ${message}\n`)
    if (isBug(trouble)) process.stderr.write(`${trouble.stack ?? ''}\n`)
    return exitFailed
  }
}

process.exitCode = await main()
