/**
 * Every key and token of an account, dug out of its key files with the password: what nobody else may ever see.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { nodeChance } from '@anysync/cli/ports/chance.ts'
import { nodeCipher } from '@anysync/cli/ports/cipher.ts'
import { parseAccessKeys } from '@anysync/client/crypto/access-keys.ts'
import { openMasterKeys } from '@anysync/client/crypto/master-keys.ts'
import { loginSeed } from '@anysync/client/crypto/password.ts'
import { deriveKey, purposes, type Purpose } from '@anysync/client/crypto/purposes.ts'
import { openGrant } from '@anysync/client/vault/grant.ts'
import { parseVaultId } from '@anysync/protocol/ids.ts'
import type { Canary } from './canaries.ts'
import type { TestDevice } from './device.ts'
import type { TestServer } from './server.ts'

const isPurpose = (word: string): word is Purpose => Object.hasOwn(purposes, word)

/** What is made from a secret, as the table of purposes says; but the commitment is there to be seen. */
const derived = (from: string, secret: Uint8Array): Canary[] =>
  Object.entries(purposes).flatMap(([purpose, origin]) =>
    origin.startsWith(from) && isPurpose(purpose) && purpose !== 'slot-commitment'
      ? [{ name: `the ${purpose} key`, bytes: deriveKey(nodeCipher, secret, purpose) }]
      : [],
  )

/** Of the account, whichever device asks. */
export const accountSecrets = async (device: TestDevice, password: string, server: TestServer): Promise<Canary[]> => {
  const file = (name: string) => readFileSync(join(device.account(), name))
  const { bundle, passwordKey, identityPublicKey } = await openMasterKeys(nodeCipher, file('master.keys'), password)
  const { fileKey, authKey, accessToken, boxSecretKey, identitySeed } = bundle
  return [
    { name: 'the password', bytes: Buffer.from(password) },
    { name: 'the password key', bytes: passwordKey },
    { name: 'the login seed', bytes: loginSeed(nodeCipher, passwordKey) },
    { name: 'the file key', bytes: fileKey },
    { name: 'the auth key', bytes: authKey },
    { name: "the account's token", bytes: accessToken },
    { name: 'the box secret key', bytes: boxSecretKey },
    { name: 'the identity seed', bytes: identitySeed },
    ...derived('password key', passwordKey),
    ...derived('file key', fileKey),
    ...vaultKeys(server, { fileKey, identityPublicKey }),
  ]
}

/** The server's own database is the one place that lists the grants of all vaults. */
const vaultKeys = (server: TestServer, owner: { fileKey: Uint8Array; identityPublicKey: Uint8Array }): Canary[] => {
  using database = new DatabaseSync(join(server.home, 'server/anysync.db'), { readOnly: true })
  const grants = database.prepare('select vault_id, sealed from vault_grant').all()
  return grants.flatMap(({ vault_id: id, sealed }) => {
    if (typeof id !== 'string' || !(sealed instanceof Uint8Array)) throw new Error('the table of grants has changed')
    const { vaultKey } = openGrant({ cipher: nodeCipher, chance: nodeChance }, owner, parseVaultId(id), sealed)
    return [{ name: 'a vault key', bytes: vaultKey }, ...derived('vault key', vaultKey)]
  })
}

/** Of one device alone; its token travels with every call, and only there. */
export const deviceSecrets = (device: TestDevice): { seed: Canary; token: Canary } => {
  const { signingSeed, deviceToken } = parseAccessKeys(readFileSync(join(device.account(), 'access.keys')))
  return {
    seed: { name: `the signing seed of the ${device.name}`, bytes: signingSeed },
    token: { name: `the token of the ${device.name}`, bytes: deviceToken },
  }
}
