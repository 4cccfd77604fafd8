/**
 * Links a folder to a vault: where nothing else is linked, and with a marker in the folder that says to which.
 */
import { mkdirSync, statSync } from 'node:fs'
import type { Disk, Link, LinkMode, State } from '@anysync/client/ports.ts'
import { markerOf } from '@anysync/client/sync/marker.ts'
import { demand, isTrouble, SyncError } from '@anysync/protocol/errors.ts'
import { toHex } from '@anysync/protocol/ids.ts'
import { idBytes } from '@anysync/protocol/limits.ts'
import { isWithin, realPath } from './folders.ts'
import { makeVault } from './make-vault.ts'
import { shown } from './output/words.ts'
import { nodeChance } from './ports/chance.ts'
import { openNodeDisk } from './ports/disk.ts'
import { attemptOn } from './private-files.ts'
import { pickVault, type NamedVault, type Session } from './session.ts'

export type LinkOptions = {
  /** By name or id. */
  vault: string
  /** Makes the vault when there is none of that name. */
  create?: boolean
  mode: LinkMode
}

/**
 * Makes the folder if it is not there. `missing` when there is no such vault; `conflict` when it is linked already, or
 * lies within a linked folder or around one; `invalid` when it is no folder, or AnySync's own `home` is in its way.
 */
export const linkFolder = async (
  session: Session,
  folder: string,
  home: string,
  options: LinkOptions,
): Promise<{ link: Link; vaultName: string }> => {
  const { info, grant } = await pickOrMake(session, options)
  checkPlace(session.state, realPath(folder), realPath(home))
  makeFolder(folder)
  const root = realPath(folder)
  const disk = await openNodeDisk(root)
  await checkUnlinked(disk, root)

  const link: Link = { id: toHex(nodeChance.bytes(idBytes)), vaultId: info.vaultId, root, mode: options.mode }
  // Beside a daemon another command may do the same at this moment: look and link in one go.
  session.state.transact(() => {
    checkPlace(session.state, root, realPath(home))
    session.state.putLink(link)
  })
  try {
    await disk.writeMarker(markerOf(link))
  } catch (error) {
    session.state.removeLink(link.id)
    throw error
  }
  return { link, vaultName: grant.name }
}

const pickOrMake = async (session: Session, { vault, create = false }: LinkOptions): Promise<NamedVault> => {
  try {
    return await pickVault(session, vault)
  } catch (error) {
    if (!isTrouble(error, 'missing')) throw error
    if (create) return await makeVault(session, vault)
    throw new SyncError('folder.add', 'missing', `${error.message}; --create makes it`, error)
  }
}

const makeFolder = (folder: string): void => {
  const stat = attemptOn(folder, 'read', () => statSync(folder, { throwIfNoEntry: false }))
  const isFolder = stat === undefined || stat.isDirectory()
  demand(isFolder, 'folder.add', 'invalid', `${shown(folder)} is not a folder: give the folder to link`)
  attemptOn(folder, 'made', () => mkdirSync(folder, { recursive: true }))
}

/** Two links must never see the same file, and AnySync's own files are not for syncing. */
const checkPlace = (state: State, root: string, home: string): void => {
  const operation = 'folder.add'
  const isApart = !isWithin(root, home) && !isWithin(home, root)
  demand(
    isApart,
    operation,
    'invalid',
    `${shown(root)} and AnySync's own folder ${shown(home)} lie within each other: choose another folder`,
  )
  const other = state.links().find((link) => isWithin(root, link.root) || isWithin(link.root, root))
  if (other === undefined) return
  const message =
    other.root === root
      ? `${shown(root)} is linked already: \`anysync status\` shows to which vault`
      : `${shown(root)} and the linked folder ${shown(other.root)} lie within each other: choose a folder apart`
  throw new SyncError(operation, 'conflict', message)
}

const checkUnlinked = async (disk: Disk, root: string): Promise<void> => {
  const marker = await disk.readMarker()
  const message =
    `${shown(root)} is linked already, by another account or home, or by this one before its state was lost: ` +
    'then `anysync doctor --rebuild FOLDER` links it again; if it was another that is gone for good, remove the folder ' +
    '.anysync in it and add it again'
  demand(marker === null, 'folder.add', 'conflict', message)
}
