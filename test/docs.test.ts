/**
 * Documents that lie are worse than none. What can be checked of them is: commands and their options exist, files that
 * are named exist, links lead somewhere, and the tables of the design say what the code does.
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { ScalarType, type DescField } from '@bufbuild/protobuf'
import { purposes } from '@anysync/client/crypto/purposes.ts'
import { file_anysync_v1_format as schema } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import * as limits from '@anysync/protocol/limits.ts'
import { isTest, projectRoot, sourcesBelow, type Source } from './sources.ts'

const read = (path: string): Source => ({ path, text: readFileSync(join(projectRoot, path), 'utf8') })
const readme = read('README.md')
const design = read('docs/design.md')
const documents = [
  readme,
  read('CONTRIBUTING.md'),
  read('packages/web/README.md'),
  read('bench/README.md'),
  ...sourcesBelow('docs', ['.md']),
] as const
const changes = sourcesBelow('changelog/unreleased', ['.md'])

const complain = (complaints: string[]): void => assert.deepEqual(complaints, [])

const fence = /^```(\w*)\n([^]*?)^```$/gm
/** Code within lines, outside of blocks. */
const inlineCode = (text: string): string[] =>
  [...text.replace(fence, '').matchAll(/`([^`\n]+)`/g)].map(([, code]) => code ?? '')

/** Single commands of the shell blocks, and of code within lines that looks like one. */
const commandsOf = ({ text }: Source): string[] => {
  const blocks = [...text.matchAll(fence)].filter(([, language]) => language === 'sh').map(([, , code]) => code ?? '')
  const lines = blocks.flatMap((block) => block.trim().split('\n'))
  const inline = inlineCode(text).filter(
    (code) => /^(?:bin\/|anysync |anysync-server |npm |node |\.ci\/)[^*<]*$/.test(code) && !/^\S+\.m?[jt]s$/.test(code),
  )
  return [...lines, ...inline].flatMap((line) => line.split(' && ')).map((command) => command.trim())
}

/** Words as a shell takes them, as far as the documents need: quotes around what holds odd characters. */
const wordsOf = (command: string): string[] =>
  [...command.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(([, single, double, bare]) => single ?? double ?? bare ?? '')

const execute = promisify(execFile)
const helpByCommand = new Map<string, Promise<string>>()

/** The help of a command; rejects when it ends with anything but 0. */
const helpOf = (launcher: string, words: string[]): Promise<string> => {
  const command = [launcher, ...words].join(' ')
  const asked = helpByCommand.get(command) ?? askHelp(launcher, words)
  helpByCommand.set(command, asked)
  return asked
}

const askHelp = async (launcher: string, words: string[]): Promise<string> => {
  const [, entry] = /^entry=(\S+)$/m.exec(read(launcher).text) ?? []
  assert.ok(entry, `${launcher} says what it runs`)
  const node = [process.execPath, '--disable-warning=ExperimentalWarning', join(projectRoot, entry)] as const
  const { stdout } = await execute(node[0], [...node.slice(1), ...words, '--help'])
  return stdout
}

/** What is wrong with a call of one of the two programs, or null. */
const faultOfCall = async (launcher: string, words: string[]): Promise<string | null> => {
  const program = posix.basename(launcher)
  const path: string[] = []
  let help = await helpOf(launcher, path)
  for (const word of words) {
    // A word of capitals stands for any.
    if (word.startsWith('-') || /^[A-Z]+$/.test(word) || !/^Usage: .*\[?command\]?$/m.test(help)) break
    help = await helpOf(launcher, [...path, word])
    path.push(word)
    if (!new RegExp(`^Usage: ${[program, ...path].join(' ')}\\b`, 'm').test(help)) return `there is no '${word}'`
  }
  const unknown = words.find((word) => word.startsWith('--') && !new RegExp(`(^|[ ,])${word}\\b`, 'm').test(help))
  return unknown === undefined ? null : `there is no option ${unknown}`
}

const scripts = JSON.parse(read('package.json').text).scripts as Record<string, string>

/** What is wrong with a command of a document, or null. */
const faultOf = async (command: string): Promise<string | null> => {
  const [program = '', ...words] = wordsOf(command)
  switch (program) {
    case 'git':
    case 'cd':
      return null
    case 'npm': {
      const script = words[0] === 'run' ? words[1] : words[0] === 'test' ? 'test' : null
      return script === null || script === undefined || script in scripts ? null : `there is no script ${script}`
    }
    case 'node': {
      const missing = words.find((word) => word.includes('/') && !existsSync(join(projectRoot, word)))
      return missing === undefined ? null : `there is no ${missing}`
    }
    default: {
      const launcher = program.includes('/') ? program : `bin/${program}`
      const file = join(projectRoot, launcher)
      if (!existsSync(file)) return `there is no ${launcher}`
      if (process.platform !== 'win32' && (statSync(file).mode & 0o111) === 0) return `${launcher} cannot be run`
      return /^bin\/anysync(-server)?$/.test(launcher) ? faultOfCall(launcher, words) : null
    }
  }
}

test('every command in the documents exists, with its options', async () => {
  const commands = [...documents, ...changes].flatMap((source) =>
    commandsOf(source).map((command) => ({ path: source.path, command })),
  )
  assert.ok(commands.length > 20)
  const faults = await Promise.all(
    commands.map(async ({ path, command }) => {
      const fault = await faultOf(command)
      return fault === null ? [] : [`${path}: ${command}: ${fault}`]
    }),
  )
  complain(faults.flat())
})

test('the five-minute start is the one that is promised', () => {
  const commands = commandsOf(readme)
  const promised = [
    /^git clone /,
    /^cd /,
    /^bin\/run\.sh$/,
    /^bin\/anysync signup 'LINK' --email you@example\.org$/,
    /^bin\/anysync add ~\/Documents --vault documents --create$/,
    /^bin\/anysync login /,
    /^bin\/anysync add /,
    /^bin\/anysync start$/,
    /^bin\/anysync versions /,
    /^bin\/anysync restore .* --at .* --to /,
    /^bin\/demo\.sh$/,
    /^npm ci$/,
    /^npm test$/,
  ]
  let next = 0
  for (const command of commands) if (promised[next]?.test(command)) next += 1
  assert.equal(promised[next], undefined)
})

test('the commands that the README lists are there', async () => {
  const [, listed = ''] = /^\| command line \|(.*)\|$/m.exec(readme.text) ?? []
  const words = inlineCode(listed)
  assert.ok(words.length > 5)
  const faults = await Promise.all(words.map((word) => faultOfCall('bin/anysync', [word])))
  complain(faults.filter((fault) => fault !== null))
})

test('every file that the documents name exists', () => {
  const isPath = /^(?:packages|proto|docs|test|tools|vectors|bench|bin|changelog|\.ci)(?:\/[\w.-]+)+\/?$/
  const named = documents.flatMap(({ path, text }) =>
    inlineCode(text)
      .filter((code) => isPath.test(code))
      .map((code) => ({ path, code })),
  )
  assert.ok(named.length > 20)
  complain(named.flatMap(({ path, code }) => (existsSync(join(projectRoot, code)) ? [] : [`${path} names ${code}`])))
})

/** As forges make them of headings. */
const anchorsOf = (text: string): Set<string> =>
  new Set(
    [...text.replace(fence, '').matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, '')
        .replace(/\s/g, '-'),
    ),
  )

test('every link within the project leads somewhere', () => {
  const complaints: string[] = []
  for (const { path, text } of documents) {
    for (const [, target = ''] of text.replace(fence, '').matchAll(/\]\(([^)\s]+)\)/g)) {
      if (target.includes('://')) continue
      const [file = '', anchor] = target.split('#')
      const goal = file === '' ? path : posix.join(dirname(path), file)
      const isThere = existsSync(join(projectRoot, goal))
      const hasAnchor = anchor === undefined || (isThere && anchorsOf(read(goal).text).has(anchor))
      if (!isThere || !hasAnchor) complaints.push(`${path} links to ${target}`)
    }
  }
  complain(complaints)
})

/** The cells of a table's rows whose first cell is one word of code. */
const rowsOf = (text: string, heading: string): string[][] => {
  const section = text.slice(text.indexOf(`\n${heading}\n`) + heading.length + 2)
  const end = section.search(/^#{2,3} /m)
  return [...section.slice(0, end < 0 ? undefined : end).matchAll(/^\| `([^`]+)` \|(.*)\|$/gm)].map(
    ([, name = '', rest = '']) => [name, ...rest.split('|').map((cell) => cell.trim())],
  )
}

test("the design's table of limits is that of the code", () => {
  const units: Record<string, number> = { '': 1, KiB: limits.KiB, MiB: limits.MiB, GiB: limits.GiB }
  const valueByName = new Map<string, unknown>(Object.entries(limits))
  const rows = rowsOf(design.text, '## 13. Limits')
  assert.ok(rows.length > 30)
  for (const [name = '', value = ''] of rows) {
    const [number = '', unit = ''] = value.split(' ')
    assert.equal(Number(number) * (units[unit] ?? Number.NaN), valueByName.get(name), name)
  }
})

test("the design's table of derived keys is that of the code", () => {
  const rows = rowsOf(design.text, '### Every derived key').map(([purpose = '', from = '']) => [
    purpose,
    // The code does not say of which epoch.
    from.replace('of the epoch', '').trim(),
  ])
  assert.deepEqual(Object.fromEntries(rows), purposes)
})

test('the design names every kind of context that the code makes, and no other', () => {
  const product = sourcesBelow('packages', ['.ts']).filter((source) => !isTest(source))
  const made = product.flatMap(({ text }) =>
    [...text.matchAll(/(?:encodeContext|\bmac)\(\s*'([a-z-]+)'/g)].map(([, kind]) => kind),
  )
  const table = [...design.text.matchAll(/^\|[^|]*\|[^|]*\| `([a-z-]+)`, [^|]*\|$/gm)].map(([, kind]) => kind)
  const ofServer = [...design.text.matchAll(/context\(`([a-z-]+)`/g)].map(([, kind]) => kind)
  assert.deepEqual(new Set([...table, ...ofServer]), new Set(made))
})

/** Of a field, as the format's page has it: '*' marks a list. */
const typeOf = ({ fieldKind, message, enum: values, scalar }: DescField): string => {
  const name = message?.name ?? values?.name ?? ScalarType[scalar ?? 0]?.toLowerCase() ?? ''
  return fieldKind === 'list' ? `${name}*` : name
}

test("the format's list of messages is the schema", () => {
  const messages = schema.messages.map(
    ({ name, fields }) =>
      `${name}: ${fields.map((field) => `${field.number} ${field.name} ${typeOf(field)}`).join(', ')}`,
  )
  const enums = schema.enums.map(({ name, values }) => {
    const known = values.filter(({ number }) => number > 0)
    return `${name}: ${known.map(({ number, localName }) => `${number} ${localName}`).join(', ')}`
  })
  const [, listed = ''] = /^## 10\. All messages$[^]*^```$([^]*)^```$/m.exec(read('docs/format.md').text) ?? []
  // Long lines go on after two spaces.
  assert.deepEqual(listed.trim().replaceAll(/\n +/g, ' ').split('\n'), [...messages, ...enums])
})

test('what the format says of contexts and purposes, the design says too', () => {
  const { text } = read('docs/format.md')
  const contexts = [...text.matchAll(/context\(`([a-z-]+)`/g)].map(([, kind]) => kind)
  assert.ok(contexts.length >= 9)
  const known = [...design.text.matchAll(/^\|[^|]*\|[^|]*\| `([a-z-]+)`, [^|]*\|$/gm)].map(([, kind]) => kind)
  complain(contexts.flatMap((kind) => (known.includes(kind) ? [] : [`there is no context ${kind}`])))
  const derived = [...text.matchAll(/derive\([a-z ]+(?:of it|of epoch 0)?, `([a-z-]+)`\)/g)].map(
    ([, name = '']) => name,
  )
  assert.ok(derived.length >= 9)
  complain(derived.flatMap((name) => (name in purposes ? [] : [`there is no purpose ${name}`])))
})

test('a change that a user notices is told in a few lines, behaviour after problem', () => {
  assert.ok(changes.length > 0)
  complain(
    changes.flatMap(({ path, text }) =>
      /^# \S[^\n]*\n\n\S/.test(text) && text.trim().split('\n').length <= 12 ? [] : [`${path} has not the form`],
    ),
  )
})
