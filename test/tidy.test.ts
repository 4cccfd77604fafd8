/**
 * The rules of the house that neither the compiler nor the linter knows: who may import whom, what the client may not
 * touch, and what no file may hold.
 */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { builtinModules, isBuiltin } from 'node:module'
import { join, posix } from 'node:path'
import { test } from 'node:test'
import { version } from '@anysync/cli/version.ts'
import { codeOf, importsOf, isTest, projectRoot, sourcesBelow, type Source } from './sources.ts'

const packageNames = ['cli', 'client', 'protocol', 'server', 'web']
const sources = sourcesBelow('packages', ['.ts'])
const product = sources.filter((source) => !isTest(source))
const tools = sourcesBelow('tools', ['.ts'])
const everything = [
  ...sources,
  ...tools,
  ...['test', 'bench', 'bin', '.ci'].flatMap((folder) => sourcesBelow(folder, ['.ts', '.sh', '.mjs', 'run'])),
]

/** Where an import leads, as a path of the project ('packages/client/ports.ts'); null when it leaves the project. */
const targetOf = ({ path }: Source, from: string): string | null => {
  if (from.startsWith('.')) return posix.join(posix.dirname(path), from)
  return from.startsWith('@anysync/') ? `packages/${from.slice('@anysync/'.length)}` : null
}

const packageOf = (path: string): string => path.split('/')[1] ?? ''

/** 'vault' of 'packages/client/vault/tree.ts', '' of 'packages/client/ports.ts'. */
const folderOf = (path: string): string => path.split('/').slice(2, -1)[0] ?? ''

const complain = (complaints: string[]): void => assert.deepEqual(complaints, [])

const readJson = (path: string) => JSON.parse(readFileSync(join(projectRoot, path), 'utf8'))

test('packages import only along the arrows', () => {
  const mayImport: Record<string, string[]> = {
    protocol: ['protocol'],
    client: ['protocol', 'client'],
    server: ['protocol', 'server'],
    cli: ['protocol', 'client', 'cli'],
    web: ['protocol', 'client', 'web'],
  }
  const complaints: string[] = []
  for (const source of product) {
    for (const { from } of importsOf(source.text)) {
      const target = targetOf(source, from)
      const isAllowed = target === null || mayImport[packageOf(source.path)]?.includes(packageOf(target))
      if (!isAllowed) complaints.push(`${source.path} imports ${from}`)
    }
  }
  complain(complaints)
})

test('inside the client, imports point to the left: crypto, content, vault, sync', () => {
  const order = ['crypto', 'content', 'vault', 'sync']
  const mayImport = (folder: string): string[] => {
    if (folder === 'memory') return ['memory', 'crypto', 'content', 'vault']
    return order.slice(0, order.indexOf(folder) + 1)
  }
  const complaints: string[] = []
  for (const source of product.filter(({ path }) => path.startsWith('packages/client/'))) {
    for (const { from } of importsOf(source.text)) {
      const target = targetOf(source, from)
      if (target === null || packageOf(target) !== 'client' || folderOf(target) === '') continue
      if (!mayImport(folderOf(source.path)).includes(folderOf(target)))
        complaints.push(`${source.path} imports ${from}`)
    }
  }
  complain(complaints)
})

test('the client touches the world through its ports only', () => {
  // A property of that name is another thing, so no dot may come before; `new Date(ns)` only writes a time down.
  const world =
    /(?<![.\w$])(?:process|Buffer|console|fetch|navigator|localStorage|globalThis|performance|crypto|require|XMLHttpRequest|WebSocket|Worker|setTimeout|setInterval|setImmediate|clearTimeout|clearInterval|__dirname|__filename)\b(?!\s*:)|\bMath\.random\b|\bDate\.now\b|\bnew Date\(\)|\bimport\.meta\b/g
  const isOfNode = new Set(builtinModules)
  const complaints: string[] = []
  for (const source of product.filter(({ path }) => /^packages\/(client|protocol)\//.test(path))) {
    for (const { from } of importsOf(source.text)) {
      if (from.startsWith('node:') || isOfNode.has(from)) complaints.push(`${source.path} imports ${from}`)
    }
    const code = codeOf(source.text)
    // What it declares is its own: a reader of packs is given a `fetch`.
    const isOwn = (name: string) => new RegExp(`\\b(?:const|let|function) ${name}\\b|\\b${name}: \\(`).test(code)
    for (const [name] of code.matchAll(world)) if (!isOwn(name)) complaints.push(`${source.path} uses ${name}`)
  }
  complain(complaints)
})

test('what decides a plan imports types, and each other, alone, and waits for nothing', () => {
  const pure = ['plan.ts', 'draft.ts', 'merge.ts', 'modes.ts', 'steps-by-id.ts']
  const complaints: string[] = []
  for (const name of pure) {
    const source = product.find(({ path }) => path === `packages/client/sync/${name}`)
    assert.ok(source, name)
    for (const { from, isTypeOnly } of importsOf(source.text))
      if (!isTypeOnly && !pure.includes(from.replace('./', ''))) complaints.push(`${name} imports ${from}`)
    assert.doesNotMatch(codeOf(source.text), /\b(?:async|await|Promise)\b/)
  }
  complain(complaints)
})

test('tools stand alone: they import nothing but what Node has', () => {
  assert.ok(tools.length > 0)
  const complaints: string[] = []
  for (const source of tools) {
    for (const { from } of importsOf(source.text)) {
      const isOwn = from.startsWith('./') && tools.some(({ path }) => path === targetOf(source, from))
      if (!isOwn && !(from.startsWith('node:') && isBuiltin(from))) complaints.push(`${source.path} imports ${from}`)
    }
  }
  complain(complaints)
})

test('the server has no cipher', () => {
  const complaints: string[] = []
  for (const source of product.filter(({ path }) => path.startsWith('packages/server/'))) {
    const [cipher] =
      /\b(?:createCipheriv|createDecipheriv|scrypt|scryptSync|hkdf|hkdfSync)\b/.exec(codeOf(source.text)) ?? []
    if (cipher !== undefined) complaints.push(`${source.path} uses ${cipher}`)
  }
  complain(complaints)
})

test('every package declares what it imports', () => {
  const complaints: string[] = []
  for (const name of packageNames.filter((name) => sources.some(({ path }) => packageOf(path) === name))) {
    const manifest = readJson(`packages/${name}/package.json`)
    const declared = new Set([
      `@anysync/${name}`,
      ...Object.keys(manifest.dependencies ?? {}),
      ...Object.keys(manifest.optionalDependencies ?? {}),
    ])
    for (const source of product.filter(({ path }) => packageOf(path) === name)) {
      for (const { from } of importsOf(source.text)) {
        if (from.startsWith('.') || from.startsWith('node:')) continue
        const wanted = from
          .split('/')
          .slice(0, from.startsWith('@') ? 2 : 1)
          .join('/')
        if (!declared.has(wanted)) complaints.push(`${source.path} imports ${from}`)
      }
    }
  }
  complain(complaints)
})

test('every module begins with a comment that says why it exists', () => {
  complain([...product, ...tools].flatMap(({ path, text }) => (/^(#!.*\n)?\/\*\*(\n \*)? \S/.test(text) ? [] : [path])))
})

test('no source file is longer than 300 lines', () => {
  // The ports are one page on purpose: all that is impure, to be read from end to end.
  const longer: Record<string, number> = { 'packages/client/ports.ts': 360 }
  const complaints: string[] = []
  for (const { path, text } of [...product, ...tools]) {
    const lines = text.trimEnd().split('\n').length
    if (lines > (longer[path] ?? 300)) complaints.push(`${path} has ${lines} lines`)
  }
  complain(complaints)
})

test('nothing is put off, switched off or left out', () => {
  // Spelled with a gap, so that this file does not hold them.
  const never: [string, string][] = [
    [String.raw`\b(TO DO|FIX ME|XX X)\b`, 'puts something off'],
    [String.raw`reject Unauthorized(?!:\strue)`, 'can switch verification off'],
    [String.raw`\b(test|suite|describe|it|fact)\.(on ly|sk ip|to do)\b`, 'leaves tests out'],
    [String.raw`\b(sk ip|on ly|to do):\strue\b`, 'leaves tests out'],
    ['@ts -(ignore|nocheck|expect-error)', 'silences the compiler'],
  ]
  // A test may set it, to see that it does nothing.
  complain(
    product.flatMap(({ path, text }) => (text.includes('NODE_TLS') ? [`${path} can switch verification off`] : [])),
  )
  const patterns = never.map(([pattern, complaint]) => [new RegExp(pattern.replaceAll(' ', '')), complaint] as const)
  const complaints: string[] = []
  for (const { path, text } of everything) {
    for (const [pattern, complaint] of patterns) if (pattern.test(text)) complaints.push(`${path} ${complaint}`)
  }
  complain(complaints)
})

test('files are named in the words of the project, in kebab-case', () => {
  const never = new Set(
    'peer repo repository library entry item block blob journal stub util utils helper helpers misc common'.split(' '),
  )
  const complaints: string[] = []
  for (const { path } of [...sources, ...tools]) {
    const [name = ''] = path.split('/').slice(-1)
    if (!/^[a-z0-9]+(-[a-z0-9]+)*(\.(test|suite))?\.ts$/.test(name)) complaints.push(`${path} is not in kebab-case`)
    for (const word of name.split(/[-.]/)) if (never.has(word)) complaints.push(`${path} says ${word}`)
  }
  complain(complaints)
})

test('there are five packages and never a sixth', () => {
  const folders = readdirSync(join(projectRoot, 'packages'))
  complain(folders.filter((folder) => !packageNames.includes(folder)))
  const { workspaces } = readJson('package.json')
  complain(workspaces.filter((path: string) => !packageNames.includes(path.replace(/^packages\//, ''))))
  const withManifest = folders.filter((folder) =>
    readdirSync(join(projectRoot, 'packages', folder)).includes('package.json'),
  )
  assert.deepEqual(new Set(workspaces), new Set(withManifest.map((folder) => `packages/${folder}`)))
})

test('versions are exact', () => {
  const complaints: string[] = []
  for (const path of [
    'package.json',
    ...readJson('package.json').workspaces.map((name: string) => `${name}/package.json`),
  ]) {
    const manifest = readJson(path)
    for (const group of ['dependencies', 'devDependencies', 'optionalDependencies']) {
      for (const [name, version] of Object.entries(manifest[group] ?? {})) {
        if (!/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(String(version))) complaints.push(`${path}: ${name} ${String(version)}`)
      }
    }
  }
  complain(complaints)
})

test('the lock file names no download address, and holds the packages of every system', () => {
  type Locked = { resolved?: string; link?: boolean; integrity?: string; optionalDependencies?: Record<string, string> }
  const complaints: string[] = []
  const packages: Record<string, Locked> = readJson('package-lock.json').packages
  for (const [path, { resolved, link, integrity, optionalDependencies }] of Object.entries(packages)) {
    if (link === true) continue
    if (resolved !== undefined) complaints.push(`${path} has an address`)
    if (path.includes('node_modules/') && integrity === undefined) complaints.push(`${path} has no integrity`)
    // npm refuses to install from a lock file that lacks another system's packages.
    for (const name of Object.keys(optionalDependencies ?? {})) {
      const isHeld = Object.keys(packages).some((path) => path.endsWith(`node_modules/${name}`))
      if (!isHeld) complaints.push(`${path} lacks ${name}`)
    }
  }
  complain(complaints)
})

test('the version is the same everywhere', () => {
  const versions = [
    readJson('package.json'),
    ...readJson('package.json').workspaces.map((name: string) => readJson(`${name}/package.json`)),
  ]
  for (const manifest of versions) assert.equal(manifest.version, version, manifest.name)
})
