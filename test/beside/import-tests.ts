/**
 * The tests that lie beside the code, in one process for each package: there are many, most take a moment, and a process
 * for each would read and compile the same modules again, which took three quarters of their time. Each file still runs
 * alone with `node --test FILE`.
 */
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { projectRoot, sourcesBelow } from '../sources.ts'

/** Imports every test file below these folders, so that its tests run in this process. */
export const importTests = async (...folders: string[]): Promise<void> => {
  for (const folder of folders)
    for (const { path } of sourcesBelow(folder, ['.test.ts'])) await import(pathToFileURL(join(projectRoot, path)).href)
}
