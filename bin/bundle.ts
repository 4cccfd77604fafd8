/**
 * Puts each program into one file with all that it imports, where the launchers look for it: a start that reads hundreds
 * of files takes half as long again. A cache and no more: without it, and after any change of a source, the sources run.
 */
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'

const project = join(import.meta.dirname, '..')
const cache = join(project, 'node_modules/.cache')
const link = join(cache, 'bundle')
const name = `bundle-${Date.now().toString(36)}-${process.pid}`
const folder = join(cache, name)

/** Programs that were started from an older bundle may still read of it. */
const keptMs = 24 * 3_600_000

const removeOld = (): void => {
  for (const old of readdirSync(cache)) {
    if (!old.startsWith('bundle-') || old === readlinkSync(link)) continue
    // Of a link that a crash left the link itself: what it led to may be gone.
    const { mtimeMs } = lstatSync(join(cache, old))
    if (Date.now() - mtimeMs > keptMs) rmSync(join(cache, old), { recursive: true, force: true })
  }
}

mkdirSync(folder, { recursive: true })
// Before anything is read: what is written meanwhile makes the bundle old.
writeFileSync(join(folder, 'made'), '')
// Else Node compiles each file once more, to find out what it is.
writeFileSync(join(folder, 'package.json'), '{ "type": "module" }\n')
await build({
  absWorkingDir: project,
  // One folder for all, as packages/cli/ports/program-file.ts has it.
  entryPoints: {
    anysync: 'packages/cli/main.ts',
    daemon: 'packages/cli/daemon/main.ts',
    thread: 'packages/cli/ports/thread.ts',
    server: 'packages/server/main.ts',
  },
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node22',
  // Native code, and a library that depends on the order in which its modules run.
  external: ['koffi', '@peculiar/x509', 'reflect-metadata'],
  // For what is not an ES module.
  banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url)" },
  outdir: folder,
  logLevel: 'warning',
})
symlinkSync(name, `${folder}.link`)
renameSync(`${folder}.link`, link)
removeOld()
