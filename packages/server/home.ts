/**
 * Where the server keeps everything: one folder, the home. Knows names of files, not what is in them.
 */
import { homedir, userInfo } from 'node:os'
import { join } from 'node:path'

export type Home = {
  root: string
  /** What the operator may edit. */
  configFile: string
  /** Everything private to the server, mode 0700. */
  server: string
  databaseFile: string
  keyFile: string
  certificateFile: string
  secretFile: string
  runFile: string
  lockFile: string
  objects: string
}

export const homeAt = (root: string): Home => {
  const server = join(root, 'server')
  return {
    root,
    configFile: join(root, 'server.toml'),
    server,
    databaseFile: join(server, 'anysync.db'),
    keyFile: join(server, 'tls', 'key.pem'),
    certificateFile: join(server, 'tls', 'cert.pem'),
    secretFile: join(server, 'secret'),
    runFile: join(server, 'run.json'),
    lockFile: join(server, 'lock.db'),
    objects: join(root, 'objects'),
  }
}

/** The home when nobody names one: ANYSYNC_HOME, else the place that the documents promise. */
export const defaultHome = (environment: NodeJS.ProcessEnv, platform: NodeJS.Platform): string => {
  const named = environment['ANYSYNC_HOME']
  if (named !== undefined && named !== '') return named
  const programData = environment['PROGRAMDATA']
  if (platform === 'win32' && programData !== undefined) return join(programData, 'AnySync')
  // HOME may be set to nothing, as some supervisors do: then the system's list of users knows.
  return join(homedir() || userInfo().homedir, '.AnySync')
}
