/**
 * The names and paths that a memory disk refuses, as every real one does.
 */
import { demand } from '@anysync/protocol/errors.ts'

export const privateName = '.anysync'

export const refuseAnyName = (name: string): string | null => {
  if (name === '' || name === '.' || name === '..') return 'it is not a name'
  if (name.includes('/') || name.includes('\0')) return 'it holds a character that no system allows'
  if (!name.isWellFormed()) return 'it is not valid Unicode'
  if (name === privateName) return 'AnySync keeps its own files under this name'
  return new TextEncoder().encode(name).length > 255 ? 'it is longer than 255 bytes' : null
}

export const demandPath = (operation: string, path: string): void => {
  if (path === '') return
  const names = path.split('/')
  demand(!names.some(isHostile), operation, 'invalid', 'the path holds a name that no folder can have')
  demand(!names.includes(privateName), operation, 'invalid', "the path leads into AnySync's own folder")
}

const isHostile = (name: string): boolean =>
  name === '' || name === '.' || name === '..' || name.includes('\0') || !name.isWellFormed()
