/**
 * A demonstration for newcomers: a server and two devices in temporary homes, a folder of real files, and everything
 * that AnySync does with it, step by step. Uses the programs as a person does and knows nothing of their insides.
 */
import { createHash } from 'node:crypto'
import {
  appendFileSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statfsSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { command, DemoError, headline, projectRoot, say, seconds, Stage } from './demo-stage.ts'

const email = 'ann@example.org'
const password = 'correct horse battery staple'
const secret = 'Dear Bob, the treasure is buried under the old oak.'
const letter = 'letters/to Bob.txt'
const MiB = 1024 * 1024

const main = async (given: string | undefined): Promise<void> => {
  const source = resolve(given ?? join(projectRoot, 'node_modules'))
  const stage = new Stage()
  try {
    await play(stage, source)
  } finally {
    await stage.close()
  }
  headline('Everything is cleaned up. Now yours: bin/run.sh')
}

const play = async (stage: Stage, source: string): Promise<void> => {
  checkRoom(stage, source)
  const [desk, laptop] = [stage.path('desk'), stage.path('laptop')]
  const device = (name: string) => ({
    /** Shows the command as it would be typed, runs it, and shows how long it took. */
    anysync: async (words: string[], input = ''): Promise<string> => {
      command(name, `anysync ${words.map((word) => quoted(word, stage)).join(' ')}`)
      const before = performance.now()
      const output = await stage.run('anysync', words, `${name}-home`, input)
      for (const line of output.trimEnd().split('\n')) say(shortened(line, stage))
      say(`(${seconds(performance.now() - before)})`)
      return output
    },
  })
  const [onDesk, onLaptop] = [device('desk'), device('laptop')]

  headline('1. A server, and an invitation to it')
  await stage.run('anysync-server', ['init', '--port', '0', '--host', '127.0.0.1'], 'server')
  const url = await stage.serve('server')
  const link = (await stage.run('anysync-server', ['invite'], 'server')).split('\n')[0] ?? ''
  say(`it serves at ${url}, with everything it has in ${stage.path('server')}`)

  headline(`2. The desk: a copy of ${source} goes up, sealed`)
  copyFiles(source, join(desk, 'files'))
  writeText(desk, letter, `${secret}\n`)
  const sizes = measure(desk)
  say(`${sizes.files.toLocaleString('en-US')} files, ${megabytes(sizes.bytes)}, and a letter to Bob`)
  const signIn = ['--email', email, '--password-file', '-']
  await onDesk.anysync(['signup', link, ...signIn, '--device', 'desk'], password)
  await onDesk.anysync(['add', desk, '--vault', 'documents', '--create'])
  await onDesk.anysync(['sync'])

  headline('3. The laptop: the password alone brings all of it')
  await onLaptop.anysync(['login', link, ...signIn, '--device', 'laptop'], password)
  await onLaptop.anysync(['add', laptop, '--vault', 'documents'])
  await onLaptop.anysync(['sync'])
  const seen = digest(desk)
  if (digest(laptop) !== seen) throw new DemoError('the two folders differ')
  say(`both folders are the same to the last byte, mode and nanosecond: ${seen.slice(0, 16)}…`)

  headline('4. An edit on the laptop comes back to the desk')
  appendFileSync(join(laptop, letter), 'Bring a spade.\n')
  await onLaptop.anysync(['sync'])
  await onDesk.anysync(['sync'])
  show(desk, letter)

  headline('5. The same file edited on both: both edits are kept, on both')
  appendFileSync(join(desk, letter), 'Come on Monday.\n')
  appendFileSync(join(laptop, letter), 'Come on Friday.\n')
  await onDesk.anysync(['sync'])
  await onLaptop.anysync(['sync'])
  await onDesk.anysync(['sync'])
  for (const name of readdirSync(join(desk, dirname(letter))).sort()) show(desk, join(dirname(letter), name))

  headline('6. Deleted by mistake, and back as it was at first')
  rmSync(join(desk, dirname(letter)), { recursive: true })
  await onDesk.anysync(['sync'])
  await onDesk.anysync(['versions', join(desk, letter)])
  const first = firstVersion(await stage.run('anysync', ['versions', join(desk, letter), '--json'], 'desk-home'))
  await onDesk.anysync(['restore', join(desk, letter), '--at', String(first), '--to', stage.path('restored')])
  show(stage.path('restored'), basename(letter))

  headline('7. What the server has of it: no name, no content')
  await showServerDisk(stage, desk)
}

const firstVersion = (json: string): number => {
  const { versions }: { versions: { sequence: number }[] } = JSON.parse(json)
  return Math.min(...versions.map(({ sequence }) => sequence))
}

/** The copies, the packs and a little more must fit. */
const checkRoom = (stage: Stage, source: string): void => {
  if (!existsSync(source) || !statSync(source).isDirectory()) throw new DemoError(`${source} is not a folder`)
  if (`${stage.folder}/`.startsWith(`${source}/`)) {
    throw new DemoError(`${source} holds the demonstration's own folder: give another one`)
  }
  const { bytes } = measure(source)
  const { bavail, bsize } = statfsSync(stage.folder)
  const wanted = bytes * 3.5 + 400 * MiB
  if (bavail * bsize > wanted) return
  const free = megabytes(bavail * bsize)
  throw new DemoError(`this needs ${megabytes(wanted)} in ${stage.folder}, and ${free} are free: give a smaller folder`)
}

const isSyncable = (path: string): boolean => {
  const stat = lstatSync(path)
  return stat.isFile() || stat.isDirectory() || stat.isSymbolicLink()
}

const copyFiles = (source: string, target: string): void =>
  cpSync(source, target, {
    recursive: true,
    verbatimSymlinks: true,
    preserveTimestamps: true,
    filter: (path) => isSyncable(path) && !isLeftOut(path),
  })

const writeText = (folder: string, path: string, text: string): void => {
  mkdirSync(dirname(join(folder, path)), { recursive: true })
  writeFileSync(join(folder, path), text)
}

/** Every path in a folder and below but AnySync's own; links are not followed. */
const nodesBelow = (folder: string, prefix = ''): string[] =>
  readdirSync(join(folder, prefix), { withFileTypes: true }).flatMap((found) => {
    const path = join(prefix, found.name)
    if (isLeftOut(join(folder, path))) return []
    return found.isDirectory() ? [path, ...nodesBelow(folder, path)] : [path]
  })

/** AnySync's own folder, and what programs that run write meanwhile. */
const isLeftOut = (path: string): boolean =>
  basename(path) === '.anysync' || path === join(projectRoot, 'node_modules', '.cache')

const measure = (folder: string): { files: number; bytes: number } => {
  let [files, bytes] = [0, 0]
  for (const path of nodesBelow(folder)) {
    const stat = lstatSync(join(folder, path))
    if (!stat.isFile()) continue
    files += 1
    bytes += stat.size
  }
  return { files, bytes }
}

/** One hash over every path, kind, mode, time, target and byte. */
const digest = (folder: string): string => {
  const hash = createHash('sha256')
  for (const path of nodesBelow(folder)) {
    const full = join(folder, path)
    const stat = lstatSync(full, { bigint: true })
    hash.update(JSON.stringify([path, String(stat.mode), String(stat.mtimeNs)]))
    if (stat.isFile()) hash.update(readFileSync(full))
    if (stat.isSymbolicLink()) hash.update(readlinkSync(full))
  }
  return hash.digest('hex')
}

const show = (folder: string, path: string): void => {
  command('', `cat ${quoted(join(basename(folder), path))}`)
  for (const line of readFileSync(join(folder, path), 'utf8').trimEnd().split('\n')) say(`  ${line}`)
}

const showServerDisk = async (stage: Stage, desk: string): Promise<void> => {
  const server = stage.path('server')
  const files = nodesBelow(server).filter((path) => lstatSync(join(server, path)).isFile())
  const packs = files.filter((path) => /\/[0-9a-f]{64}$/.test(path))
  const bytes = packs.reduce((sum, path) => sum + statSync(join(server, path)).size, 0)
  command('', 'find server -type f | head -3')
  for (const path of packs.slice(0, 3)) say(`  server/${path}`)
  say(`${packs.length} packs, ${megabytes(bytes)}, named by their own SHA-256 and padded so that sizes say little`)
  const [pack] = packs
  if (pack === undefined) throw new DemoError('the server has no pack')
  command('', `hexdump -C server/${pack.slice(0, 24)}… | head -4`)
  for (const line of hexdump(readFileSync(join(server, pack)).subarray(0, 64))) say(`  ${line}`)

  const longest = nodesBelow(join(desk, 'files'))
    .map((path) => basename(path))
    .reduce((a, b) => (b.length > a.length ? b : a), '')
  for (const text of [basename(letter), ...(longest.length > 6 ? [longest] : []), secret]) {
    command('', `grep -rlaF ${quoted(text)} server`)
    const found = files.filter((path) => path.includes(text) || readFileSync(join(server, path)).includes(text))
    if (found.length > 0) throw new DemoError(`'${text}' is on the server's disk, in ${found.join(', ')}`)
    say('  nothing')
  }
  say(`it does know ${email}, the names 'desk' and 'laptop', and when how many bytes came`)
  await stage.run('anysync-server', ['stop'], 'server')
}

const hexdump = (bytes: Buffer): string[] =>
  Array.from({ length: Math.ceil(bytes.length / 16) }, (_, row) => {
    const line = bytes.subarray(row * 16, row * 16 + 16)
    const hex = [...line].map((byte) => byte.toString(16).padStart(2, '0')).join(' ')
    const text = [...line].map((byte) => (byte > 31 && byte < 127 ? String.fromCharCode(byte) : '.')).join('')
    return `${(row * 16).toString(16).padStart(8, '0')}  ${hex}  |${text}|`
  })

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`

/** As one types it, with the invitation cut short: a line for people. */
const quoted = (word: string, stage?: Stage): string => {
  const text = word.replace(/#i=(.{6}).*$/, '#i=$1…')
  const short = stage === undefined ? text : shortened(text, stage)
  return /^[\w./:@=#,+…-]+$/.test(short) ? short : `'${short}'`
}

const shortened = (line: string, { folder }: Stage): string => line.replaceAll(`${folder}/`, '')

try {
  const [folder, ...others] = process.argv.slice(2)
  if (others.length > 0 || folder?.startsWith('-')) {
    process.stdout.write('usage: bin/demo.sh [FOLDER]\n')
    process.exitCode = folder === '--help' || folder === '-h' ? 0 : 2
  } else await main(folder)
} catch (error) {
  // What the system refuses, a file that may not be read for one, is said by its own message.
  if (!(error instanceof DemoError) && !(error instanceof Error && 'syscall' in error)) throw error
  process.stderr.write(`demo.sh: ${error.message}\n`)
  process.exitCode = 1
}
