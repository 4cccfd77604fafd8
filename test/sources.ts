/**
 * The project's own source files, as the tests that judge them see them.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

export const projectRoot = fileURLToPath(new URL('..', import.meta.url))

export type Source = {
  /** From the project's root, with '/'. */
  path: string
  text: string
}

const skippedFolders = new Set(['node_modules', 'gen', '.git', 'coverage'])

/** Every file below a folder whose name ends so. */
export const sourcesBelow = (folder: string, endings: string[]): Source[] => {
  const files: Source[] = []
  const walk = (directory: string): void => {
    for (const name of readdirSync(directory).sort()) {
      const path = join(directory, name)
      if (statSync(path).isDirectory()) {
        if (!skippedFolders.has(name)) walk(path)
      } else if (endings.some((ending) => name.endsWith(ending))) {
        files.push({ path: relative(projectRoot, path).split(sep).join('/'), text: readFileSync(path, 'utf8') })
      }
    }
  }
  if (existsSync(join(projectRoot, folder))) walk(join(projectRoot, folder))
  return files
}

export const isTest = ({ path }: Source): boolean => /\.(test|suite)\.ts$/.test(path)

export type Import = {
  from: string
  isTypeOnly: boolean
}

/** What a file imports or re-exports, dynamic imports included. */
export const importsOf = (text: string): Import[] => {
  const code = withoutComments(text)
  const imports: Import[] = []
  for (const [, typeWord, names, from] of code.matchAll(
    /^(?:import|export)\s+(type\s+)?(\{[^}]*\}|\*(?:\s+as\s+[\w$]+)?|[\w$]+(?:\s*,\s*\{[^}]*\})?)\s+from\s+'([^']+)'/gm,
  )) {
    imports.push({ from: from ?? '', isTypeOnly: typeWord !== undefined || isAllTypes(names ?? '') })
  }
  for (const [, from] of code.matchAll(/^import\s+'([^']+)'/gm)) imports.push({ from: from ?? '', isTypeOnly: false })
  for (const [, from] of code.matchAll(/\bimport\(\s*['"]([^'"]+)['"]\s*\)/g)) {
    imports.push({ from: from ?? '', isTypeOnly: false })
  }
  return imports
}

/** `{ type A, type B }` */
const isAllTypes = (names: string): boolean => {
  const [, list] = /^\{([^]*)\}/.exec(names.trim()) ?? []
  if (list === undefined) return false
  const parts = list.split(',').map((part) => part.trim())
  return parts.every((part) => part === '' || part.startsWith('type '))
}

const token =
  /\/\*[^]*?\*\/|\/\/[^\n]*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`|\/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/[a-z]*(?=[.,;)\s])/g

export const withoutComments = (text: string): string =>
  text.replace(token, (found) => (found.startsWith('/*') || found.startsWith('//') ? ' ' : found))

/** Code alone: no comment, no text, no regular expression; of a template only what is computed in it. */
export const codeOf = (text: string): string =>
  text.replace(token, (found) => {
    if (found.startsWith('`')) return [...found.matchAll(/\$\{([^}]*)\}/g)].map(([, code]) => ` ${code} `).join(';')
    return found.startsWith('/') ? ' ' : "''"
  })
