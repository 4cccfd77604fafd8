/**
 * `anysync-server sweep`: deletes now what a running server deletes once a day, packs that no vault needs and whose hold
 * time has passed.
 */
import { demand } from '@anysync/protocol/errors.ts'
import { readConfig } from '../config.ts'
import { systemClock } from '../clock.ts'
import { openDatabase } from '../db/database.ts'
import { createPackLocks } from '../pack-locks.ts'
import { takeRunLock } from '../run-lock.ts'
import { openDiskStore } from '../store/disk.ts'
import { createSweep } from '../sweep.ts'
import { homeOf, tell, type CommonOptions } from './options.ts'

export const sweep = async (options: CommonOptions): Promise<void> => {
  const home = homeOf(options)
  const { holdMs, reserveBytes } = readConfig(home)
  using lock = takeRunLock(home, 'to-start')
  demand(lock !== null, 'server.sweep', 'conflict', 'the server runs, and sweeps by itself once a day: stop it first')
  const database = openDatabase(home.databaseFile, true)
  try {
    const store = await openDiskStore({ folder: home.objects, reserveBytes })
    const swept = await createSweep({ database, store, clock: systemClock, locks: createPackLocks(), holdMs })()
    tell(options, swept, [`deleted ${swept.packs} packs, ${swept.bytes} bytes`])
  } finally {
    await database.destroy()
  }
}
