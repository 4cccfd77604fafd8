/** What this device leaves out of a linked folder: its settings, and the folder's own `.anysyncignore`. */
import type { Disk } from '@anysync/client/ports.ts'
import { createRuleBook } from '@anysync/client/sync/rule-book.ts'
import type { Rules } from '@anysync/client/sync/rules.ts'
import { settingsOfFolder, type Settings } from './settings/settings.ts'

/** Gives the rules as of now; `settings` are asked each time. */
export const folderRules = (disk: Disk, root: string, settings: () => Settings): (() => Promise<Rules>) =>
  createRuleBook(disk, () => {
    const own = settingsOfFolder(settings(), root)
    return { settings: own.rules, defaults: own.defaultExcludes }
  })
