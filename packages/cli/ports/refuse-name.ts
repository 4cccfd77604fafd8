/**
 * Which names this system cannot store. A node with such a name stays in the vault and is shown as not synced here.
 */
import { nameBytesMax } from '@anysync/protocol/limits.ts'

/** The folder in the root of every linked folder that is AnySync's own; no folder's list shows it, at any depth. */
export const privateName = '.anysync'

/** Why, as the rest of a sentence that begins with "not synced here, because"; null when the name is fine. */
export const refuseName = (name: string, platform: NodeJS.Platform = process.platform): string | null => {
  if (name === '' || name === '.' || name === '..') return 'it is not a name'
  if (name.includes('/') || name.includes('\0')) return 'it holds a character that no system allows'
  if (!name.isWellFormed()) return 'it is not valid Unicode'
  // Windows and macOS do not tell upper and lower case apart.
  const folded = platform === 'linux' ? name : name.toLowerCase()
  if (folded === privateName) return 'AnySync keeps its own files under this name'
  if (platform === 'win32') return refuseWindowsName(name)
  return Buffer.byteLength(name) > nameBytesMax ? `it is longer than ${nameBytesMax} bytes` : null
}

// https://learn.microsoft.com/windows/win32/fileio/naming-a-file
const windowsDevices = /^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)(\..*)?$/i

const refuseWindowsName = (name: string): string | null => {
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  if (/[<>:"\\|?*\u0001-\u001f]/.test(name)) return 'it holds a character that Windows does not allow'
  if (/[. ]$/.test(name)) return 'Windows does not allow a dot or a space at the end'
  if (windowsDevices.test(name)) return 'Windows reserves it for a device'
  return name.length > 255 ? 'it is longer than 255 characters' : null
}
