/**
 * The newest record of a log that this device does not follow yet: a new device has no memory of its own, so a person compares
 * time and signer with what another device shows.
 */
import { demand } from '@anysync/protocol/errors.ts'
import type { VaultKeys } from '../crypto/vault-keys.ts'
import type { Cipher, LogHead, Remote } from '../ports.ts'
import { sameHead } from './log.ts'
import { openRecord, previousOf, type OpenedRecord } from './record.ts'

/**
 * Fetches the record that the server calls the head, and verifies all of it but the records before it. `corrupt` when it is
 * another, or does not verify.
 */
export const peekHead = async (
  parts: { cipher: Cipher; keys: VaultKeys; identityPublicKey: Uint8Array; remote: Pick<Remote, 'recordsSince'> },
  head: LogHead,
): Promise<OpenedRecord> => {
  const { vaultId } = parts.keys
  let newest: OpenedRecord | null = null
  for await (const bytes of parts.remote.recordsSince(vaultId, head.sequence - 1)) {
    newest = openRecord(parts, previousOf(head, bytes), bytes)
    break
  }
  const message =
    `the server says that vault ${vaultId} is at record ${head.sequence} and gives another: nothing was changed; ` +
    'ask who runs the server'
  demand(newest !== null && sameHead(newest.head, head), 'log.peek', 'corrupt', message)
  return newest
}
