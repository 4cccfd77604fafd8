/**
 * What the marker of a linked folder says: whose link it is, so that no other folder is taken for it, and to which vault
 * and how, so that a device that lost its state can take the folder up again as it was.
 */
import { isTrouble } from '@anysync/protocol/errors.ts'
import { parseVaultId, type VaultId } from '@anysync/protocol/ids.ts'
import { linkModes, type Link, type LinkMode } from '../ports.ts'

/** Null where the marker does not say it. */
export type Marker = { linkId: string; vaultId: VaultId | null; mode: LinkMode | null }

export const markerOf = ({ id, vaultId, mode }: Pick<Link, 'id' | 'vaultId' | 'mode'>): string =>
  `${id} ${vaultId} ${mode}`

/** Whether the text, null for none, is the marker of this link. One of an earlier AnySync is the id alone. */
export const isMarkerOf = (text: string | null, linkId: string): boolean =>
  text === linkId || text?.startsWith(`${linkId} `) === true

/** Takes any text; whoever believes what it says of a link checks the rest. */
export const parseMarker = (text: string): Marker => {
  const [linkId = '', vault = '', word = ''] = text.trim().split(' ')
  return { linkId, vaultId: vaultIdOf(vault), mode: linkModes.find((mode) => mode === word) ?? null }
}

const vaultIdOf = (text: string): VaultId | null => {
  try {
    return parseVaultId(text)
  } catch (error) {
    if (isTrouble(error, 'invalid')) return null
    throw error
  }
}
