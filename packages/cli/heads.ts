/**
 * The newest record of each vault, for a device that has seen none of them yet: the server could show it an older one, and a
 * person who has another device can tell.
 */
import { openVaultKeys } from '@anysync/client/crypto/vault-keys.ts'
import type { Remote, State } from '@anysync/client/ports.ts'
import { peekHead } from '@anysync/client/vault/peek-head.ts'
import type { OpenedRecord } from '@anysync/client/vault/record.ts'
import type { AccessKeys } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { nodeChance } from './ports/chance.ts'
import { nodeCipher } from './ports/cipher.ts'
import { isoTime, localTime, shown } from './output/words.ts'
import { listVaults, ownerOf } from './session.ts'

/** `newest`: null in a vault without one. */
export type VaultHead = { name: string; vaultId: string; newest: OpenedRecord | null }

/** Asks the server, and verifies what it gives. `corrupt` when something does not hold. */
export const readHeads = async (session: { keys: AccessKeys; remote: Remote; state: State }): Promise<VaultHead[]> => {
  const { identityPublicKey } = ownerOf(session.keys)
  const heads: VaultHead[] = []
  for (const { info, grant } of await listVaults(session)) {
    const { vaultId, head } = info
    const keys = openVaultKeys(nodeCipher, nodeChance, vaultId, new Map([[grant.epoch, grant.vaultKey]]))
    const parts = { cipher: nodeCipher, keys, identityPublicKey, remote: session.remote }
    heads.push({ name: grant.name, vaultId, newest: head === null ? null : await peekHead(parts, head) })
  }
  return heads
}

export const headDocument = ({ name, vaultId, newest }: VaultHead) => ({
  vault: name,
  vaultId,
  newest:
    newest === null
      ? null
      : {
          sequence: newest.head.sequence,
          time: isoTime(newest.body.timeNs),
          device: newest.body.deviceName,
          deviceId: newest.deviceId,
          hash: newest.head.hash,
        },
})

export const headLines = (heads: VaultHead[]): string[] => {
  const lines = heads.map(({ name, newest }) =>
    newest === null
      ? `the vault '${shown(name)}' is empty`
      : `the vault '${shown(name)}' is at record ${newest.head.sequence}, made ${localTime(newest.body.timeNs)} by '${shown(newest.body.deviceName)}'`,
  )
  const isAny = heads.some(({ newest }) => newest !== null)
  return isAny ? [...lines, 'if another device of yours shows newer ones, the server hides them from this one'] : lines
}
