/** Paths relative to a linked folder: '/' between names, '' for the folder itself. */

export const joinPath = (folder: string, name: string): string => (folder === '' ? name : `${folder}/${name}`)

/** The path of the folder that holds a path; '' for what lies in the linked folder itself. */
export const folderOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/')))

/** The last name of a path. */
export const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1)

/** Whether a path is the folder's own, or lies anywhere below it. */
export const isAtOrBelow = (path: string, folder: string): boolean =>
  folder === '' || path === folder || path.startsWith(`${folder}/`)

/** Whether one of the folders that a path lies in, however far above, is one of these. */
export const isBelowAny = (path: string, folders: ReadonlySet<string>): boolean => {
  for (let at = path; at !== '';) {
    at = folderOf(at)
    if (folders.has(at)) return true
  }
  return false
}
