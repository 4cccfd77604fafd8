/**
 * `anysync-server scrub`: reads every pack and sees that it is what its name says. May run beside the server.
 */
import { readConfig } from '../config.ts'
import { openDatabase } from '../db/database.ts'
import { scrub as scrubAll } from '../scrub.ts'
import { openDiskStore } from '../store/disk.ts'
import { homeOf, tell, type CommonOptions } from './options.ts'

/** Whether all is well. */
export const scrub = async (options: CommonOptions): Promise<boolean> => {
  const home = homeOf(options)
  const { reserveBytes } = readConfig(home)
  const database = openDatabase(home.databaseFile, false)
  try {
    const store = await openDiskStore({ folder: home.objects, reserveBytes, isShared: true })
    const scrubbed = await scrubAll(database, store)
    tell(options, scrubbed, [
      `read ${scrubbed.packs} packs, ${scrubbed.bytes} bytes`,
      ...scrubbed.troubles.map(({ vault, pack, what }) => `${what}: pack ${pack} of vault ${vault}`),
      ...(scrubbed.troubles.length === 0
        ? ['every pack is what its name says']
        : [
            'what is damaged was set aside; `anysync verify --repair` on a device that has the files stores them again',
          ]),
    ])
    return scrubbed.troubles.length === 0
  } finally {
    await database.destroy()
  }
}
