/**
 * Makes a home: settings, certificate, secret, empty database. What is there already is left as it is, so it can be
 * repeated after it was interrupted.
 */
import { existsSync, mkdirSync } from 'node:fs'
import { SyncError } from '@anysync/protocol/errors.ts'
import { ownNames } from './addresses.ts'
import { systemClock } from './clock.ts'
import { configText, readConfig } from './config.ts'
import { openDatabase } from './db/database.ts'
import { writeFileDurably } from './files.ts'
import type { Home } from './home.ts'
import { takeRunLock } from './run-lock.ts'
import { createSecret } from './secret.ts'
import { createIdentity } from './tls.ts'

/** Throws `conflict` while a server runs there. The settings are written last: a home with settings is complete. */
export const createHome = async (home: Home, settings: { port: number; host: string | null }): Promise<void> => {
  makePrivateFolder(home)
  using lock = takeRunLock(home, 'to-start')
  if (lock === null) throw new SyncError('home.create', 'conflict', `a server already runs for ${home.root}`)
  if (!existsSync(home.secretFile)) createSecret(home.secretFile)
  // The certificate comes after its key, so where it is, both are.
  if (!existsSync(home.certificateFile)) {
    const files = { certificate: home.certificateFile, key: home.keyFile }
    await createIdentity(files, ownNames(settings.host), systemClock.nowMs())
  }
  await openDatabase(home.databaseFile, true).destroy()
  mkdirSync(home.objects, { recursive: true, mode: 0o700 })
  if (!existsSync(home.configFile)) writeFileDurably(home.configFile, configText(settings), 0o600)
  readConfig(home)
}

export const hasHome = (home: Home): boolean => existsSync(home.configFile)

const makePrivateFolder = (home: Home): void => {
  try {
    mkdirSync(home.server, { recursive: true, mode: 0o700 })
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : 'unknown reason'
    throw new SyncError(
      'home.create',
      'unavailable',
      `${home.root} cannot be made (${reason}): choose another with --home`,
      cause,
    )
  }
}
