/** Where the programs lie that this one starts beside itself: among the sources, or in the folder of a bundle (`bin/bundle.ts`). */
import { join } from 'node:path'

const sources = { daemon: '../daemon/main.ts', thread: 'thread.ts' }

/** The path of a program to start. */
export const programFile = (program: keyof typeof sources): string =>
  join(import.meta.dirname, import.meta.filename.endsWith('.ts') ? sources[program] : `${program}.js`)
