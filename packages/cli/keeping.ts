/**
 * What the commands that prune, rescue and verify work with.
 */
import type { RescueParts } from '@anysync/client/vault/rescue.ts'
import { ownerOf } from './session.ts'
import type { OpenedHistory } from './history.ts'
import { nodeChance } from './ports/chance.ts'
import { nodeCipher } from './ports/cipher.ts'

export const keepingParts = ({
  session,
  vault,
}: Pick<OpenedHistory, 'session' | 'vault'>): Omit<RescueParts, 'isDryRun'> => ({
  cipher: nodeCipher,
  chance: nodeChance,
  keys: vault.keys,
  work: vault.work,
  state: session.state,
  remote: session.remote,
  vault,
  identityPublicKey: ownerOf(session.keys).identityPublicKey,
})
