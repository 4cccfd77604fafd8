/** Paths relative to a linked folder: '/' between names, '' for the folder itself. */

export const joinPath = (folder: string, name: string): string => (folder === '' ? name : `${folder}/${name}`)

/** The path of the folder that holds a path; '' for what lies in the linked folder itself. */
export const folderOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('/')))

/** The last name of a path. */
export const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1)
