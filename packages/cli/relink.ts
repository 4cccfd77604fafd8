/**
 * Which links a device that lost its state takes up again: those that the damaged state still tells, and folders that a
 * person names, by their markers. Reads; links nothing.
 */
import { statSync } from 'node:fs'
import { parseMarker } from '@anysync/client/sync/marker.ts'
import type { Link, LinkMode } from '@anysync/client/ports.ts'
import { demand, SyncError } from '@anysync/protocol/errors.ts'
import { isWithin, realPath } from './folders.ts'
import { shown } from './output/words.ts'
import { openNodeDisk } from './ports/disk.ts'
import { attemptOn } from './private-files.ts'
import { pickNamed, type NamedVault } from './session.ts'

export type RelinkOptions = {
  /** As a person typed them. */
  folders: readonly string[]
  /** Of the folders whose markers do not name one. */
  vault?: string
  mode: LinkMode
}

const operation = 'folder.relink'

/**
 * Links as they were, with their ids, so that the markers in the folders hold. Throws when a folder has no marker of ours,
 * when its vault is not this account's, or when two links would see the same file.
 */
export const linksToTakeUp = async (
  salvaged: readonly Link[],
  vaults: readonly NamedVault[],
  options: RelinkOptions,
): Promise<Link[]> => {
  // A vault that this account has no more is told by the first turn, as it was before.
  const links = [...salvaged]
  for (const typed of options.folders) {
    const root = realPath(typed)
    if (links.some((link) => link.root === root)) continue
    const link = await linkOf(root, vaults, options)
    const other = links.find((known) => known.id === link.id)
    demand(
      other === undefined,
      operation,
      'conflict',
      `${shown(root)} carries the marker of ${shown(other?.root ?? '')}: one is a copy of the other; remove .anysync from the copy`,
    )
    const around = links.find((known) => isWithin(root, known.root) || isWithin(known.root, root))
    demand(
      around === undefined,
      operation,
      'conflict',
      `${shown(root)} and the linked folder ${shown(around?.root ?? '')} lie within each other: leave one out`,
    )
    links.push(link)
  }
  return links
}

const linkOf = async (root: string, vaults: readonly NamedVault[], options: RelinkOptions): Promise<Link> => {
  const isThere = attemptOn(root, 'looked at', () => statSync(root, { throwIfNoEntry: false })?.isDirectory() === true)
  demand(
    isThere,
    operation,
    'missing',
    `${shown(root)} is no folder, or its disk is not mounted: bring it back, or leave it out`,
  )
  const text = await (await openNodeDisk(root)).readMarker()
  const marker = text === null ? null : parseMarker(text)
  if (marker === null || !/^[0-9a-f]{32}$/.test(marker.linkId)) {
    const message = `${shown(root)} carries no marker of a link: leave it out, and link it with \`anysync add\` afterwards`
    throw new SyncError(operation, 'missing', message)
  }
  const { linkId: id, vaultId, mode } = marker
  if (vaultId === null) {
    return { id, vaultId: pickNamed(vaults, options.vault).info.vaultId, root, mode: mode ?? options.mode }
  }
  const isOurs = vaults.some(({ info }) => info.vaultId === vaultId)
  const message = `${shown(root)} is linked to a vault that this account does not have: sign in to the account that has it`
  demand(isOurs, operation, 'missing', message)
  return { id, vaultId, root, mode: mode ?? options.mode }
}
