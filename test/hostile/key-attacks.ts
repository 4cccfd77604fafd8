/**
 * Attacks on keys: grants of others and of the server's own making, keys of other vaults and epochs, and what a login is
 * answered.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fromBinary, toBinary } from '@bufbuild/protobuf'
import { nodeChance } from '@anysync/cli/ports/chance.ts'
import { nodeCipher } from '@anysync/cli/ports/cipher.ts'
import { nodeClock } from '@anysync/cli/ports/clock.ts'
import { openDoor } from '@anysync/cli/ports/door.ts'
import { parseServerLink } from '@anysync/cli/ports/link.ts'
import { learnTrust } from '@anysync/cli/ports/dial.ts'
import { pinnedCertificate } from '@anysync/cli/ports/pin.ts'
import { newBundle, openMasterKeys, sealMasterKeys } from '@anysync/client/crypto/master-keys.ts'
import { newKdf, passwordKey } from '@anysync/client/crypto/password.ts'
import { logIn } from '@anysync/client/vault/account.ts'
import { newVaultGrant } from '@anysync/client/vault/grant.ts'
import { SyncError } from '@anysync/protocol/errors.ts'
import { GrantSchema, MasterKeysSchema, type Grant, type Role } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import type { ListVaultsResponse } from '@anysync/protocol/gen/anysync/v1/vault_pb.js'
import { vaultIdFromBytes } from '@anysync/protocol/ids.ts'
import { scryptFloor } from '@anysync/protocol/limits.ts'
import { ann } from '../support/device.ts'
import { assertSameTree, treeOf } from '../support/tree.ts'
import type { Lies } from './proxy.ts'
import { refuses, type Attack, type Refusal, type Stage } from './stage.ts'

const listing = (change: (answer: ListVaultsResponse) => void, refusal: Refusal): Attack['play'] =>
  refuses(
    () => ({
      vaults: (answer) => {
        assert.equal(answer.vaults.length, 2)
        change(answer)
      },
    }),
    refusal,
  )

const changeGrants = (answer: ListVaultsResponse, change: (grants: Grant[]) => void): void => {
  const grants = answer.vaults.map(({ grant }) => fromBinary(GrantSchema, grant))
  change(grants)
  for (const [i, vault] of answer.vaults.entries()) vault.grant = toBinary(GrantSchema, grants[i]!)
}

const eachGrant = (change: (grant: Grant) => void, refusal: Refusal): Attack['play'] =>
  listing((answer) => changeGrants(answer, (grants) => grants.forEach(change)), refusal)

/** The server's own file key and identity: it knows no other. */
const eve = { fileKey: nodeChance.bytes(32), identityPublicKey: nodeChance.bytes(32) }

/** What a login throws while the server lies so. */
const attemptLogin = async (stage: Stage, lies: Lies, masterKeys?: Uint8Array): Promise<SyncError> => {
  const { server, fingerprint } = parseServerLink(stage.link.replace(stage.server.url(), stage.hostile.url))
  const trust = await learnTrust(server, fingerprint)
  await using door = openDoor(server, trust, { pause: () => Promise.resolve() })
  stage.hostile.lies = lies
  try {
    await logIn({
      door,
      cipher: nodeCipher,
      chance: nodeChance,
      clock: nodeClock,
      serverUrl: stage.hostile.url,
      pinnedCertificate: pinnedCertificate(trust),
      ...ann,
      clientVersion: 'test',
      deviceName: 'new device',
      ...(masterKeys === undefined ? {} : { masterKeys }),
    })
  } catch (error) {
    if (error instanceof SyncError) return error
    throw error
  } finally {
    stage.hostile.lies = {}
  }
  assert.fail('the login was taken as if nothing was wrong')
}

/** `isSent`: whether the device may send its proof of the password before it is refused. */
const login =
  (lies: Lies, { kinds = ['corrupt'], says }: Refusal, isSent: boolean): Attack['play'] =>
  async (stage) => {
    const before = stage.hostile.calls.length
    const error = await attemptLogin(stage, lies)
    assert.match(error.message, says)
    assert.ok(kinds.includes(error.kind), `${error.kind}: ${error.message}`)
    const calls = stage.hostile.calls.slice(before).map((route) => route.split('/').at(-1))
    assert.deepEqual(calls, isSent ? ['Challenge', 'Login'] : ['Challenge'], 'and nothing is sent after it')
  }

const serverKeys = (stage: Stage): Uint8Array => readFileSync(join(stage.desk.account(), 'master.keys'))

const changedKeys = (change: (keys: ReturnType<typeof fromKeys>) => void): Lies => ({
  login: (answer) => {
    const keys = fromKeys(answer.masterKeys)
    change(keys)
    answer.masterKeys = toBinary(MasterKeysSchema, keys)
  },
})

const fromKeys = (bytes: Uint8Array) => fromBinary(MasterKeysSchema, bytes)

export const keyAttacks: Attack[] = [
  {
    name: 'the grants of two vaults change places',
    play: listing(
      ({ vaults: [a, b] }) => {
        assert.ok(a && b)
        ;[a.grant, b.grant] = [b.grant, a.grant]
      },
      { says: /is of another vault/ },
    ),
  },
  {
    name: 'the wrapped keys of two vaults change places',
    play: listing(
      (answer) =>
        changeGrants(answer, ([a, b]) => {
          assert.ok(a && b)
          ;[a.sealedVaultKey, b.sealedVaultKey] = [b.sealedVaultKey, a.sealedVaultKey]
        }),
      { says: /the key in the grant of vault [0-9a-f]{32} cannot be opened/ },
    ),
  },
  {
    name: 'the names of two vaults change places',
    play: listing(
      (answer) =>
        changeGrants(answer, ([a, b]) => {
          assert.ok(a && b)
          ;[a.sealedLabel, b.sealedLabel] = [b.sealedLabel, a.sealedLabel]
        }),
      { says: /the label in the grant of vault [0-9a-f]{32} cannot be opened/ },
    ),
  },
  {
    name: 'the server offers a vault key of its own',
    play: listing(
      ({ vaults }) => {
        for (const vault of vaults) {
          const parts = { cipher: nodeCipher, chance: nodeChance }
          vault.grant = newVaultGrant(parts, eve, vaultIdFromBytes(vault.vaultId), 'documents').grant
        }
      },
      { says: /the key in the grant of vault [0-9a-f]{32} cannot be opened/ },
    ),
  },
  {
    name: 'a grant is told to be of another epoch',
    play: eachGrant((grant) => void (grant.epoch = 1), { says: /cannot be opened/ }),
  },
  {
    name: 'a grant is told to be of another role',
    play: eachGrant((grant) => void (grant.role = 2 as Role), { says: /role 2/ }),
  },
  {
    name: 'a grant is told to be of a newer version',
    play: eachGrant((grant) => void (grant.version = 2), { says: /newer AnySync/, kinds: ['invalid'] }),
  },
  {
    name: 'a byte of a wrapped key is another',
    play: eachGrant((grant) => void (grant.sealedVaultKey[30]! ^= 1), { says: /cannot be opened/ }),
  },
  {
    name: 'a vault is hidden',
    play: listing((answer) => void answer.vaults.splice(0), { says: /no vault 'documents'/, kinds: ['missing'] }),
  },
  {
    name: 'a login is asked for a derivation that is too weak',
    play: login(
      { challenge: ({ kdf }) => void (kdf!.n = scryptFloor.n / 2) },
      { says: /weaker than/, kinds: ['invalid'] },
      false,
    ),
  },
  {
    name: 'a login is asked for a derivation that stops the machine',
    play: login({ challenge: ({ kdf }) => void (kdf!.n = 2 ** 30) }, { says: /more than/, kinds: ['invalid'] }, false),
  },
  {
    name: 'a login is asked for a salt of another length',
    play: login(
      { challenge: ({ kdf }) => void (kdf!.salt = kdf!.salt.slice(0, 8)) },
      { says: /salt/, kinds: ['invalid'] },
      false,
    ),
  },
  {
    name: 'a challenge asks for another salt than master.keys has',
    play: login(
      { challenge: ({ kdf }) => void (kdf!.salt = nodeChance.bytes(16)) },
      { says: /wrong/, kinds: ['unauthorized'] },
      true,
    ),
  },
  {
    name: 'a bundle of another generation is given',
    play: login(
      changedKeys((keys) => void (keys.generation += 1n)),
      { says: /altered/ },
      true,
    ),
  },
  {
    name: 'a byte of the bundle is another',
    play: login(
      changedKeys((keys) => void (keys.sealedBundle[40]! ^= 1)),
      { says: /altered/ },
      true,
    ),
  },
  {
    name: 'a byte of the wrapped bundle key is another',
    play: login(
      changedKeys((keys) => void (keys.slots[0]!.sealedBundleKey[3]! ^= 1)),
      { says: /altered/ },
      true,
    ),
  },
  {
    name: 'a byte of the commitment is another',
    play: login(
      changedKeys((keys) => void (keys.slots[0]!.commitment[3]! ^= 1)),
      { says: /another password/ },
      true,
    ),
  },
  {
    name: 'the keys are told to be of another identity',
    play: login(
      changedKeys((keys) => void (keys.identityPublicKey[0]! ^= 1)),
      { says: /altered|identity/ },
      true,
    ),
  },
  {
    name: "the server gives master.keys of the server's own",
    async play(stage) {
      const kdf = newKdf(nodeChance, scryptFloor)
      const key = await passwordKey(nodeCipher, 'a password of the server', kdf)
      const parts = { bundle: newBundle(nodeChance), generation: 1n, kdf, passwordKey: key }
      const masterKeys = sealMasterKeys(nodeCipher, nodeChance, parts)
      await login({ login: (answer) => void (answer.masterKeys = masterKeys) }, { says: /does not fit/ }, true)(stage)
    },
  },
  {
    name: 'an old master.keys is replayed to a device that has a newer one',
    async play(stage) {
      const old = serverKeys(stage)
      const { bundle, passwordKey: key } = await openMasterKeys(nodeCipher, old, ann.password)
      const kdf = fromKeys(old).slots[0]!.kdf!
      const newer = sealMasterKeys(nodeCipher, nodeChance, { bundle, generation: 2n, kdf, passwordKey: key })
      const { kind, message } = await attemptLogin(stage, {}, newer)
      assert.equal(kind, 'corrupt')
      assert.match(message, /generation 1, this device has 2/)
    },
  },
  {
    name: 'a token is boxed by nobody',
    play: login({ login: (answer) => void (answer.sealedToken[30]! ^= 1) }, { says: /./ }, true),
  },
]

/** Taken for what it is: no harm, and told. */
export const incarnationAttack: Attack = {
  name: 'the server says that it is another than before',
  async play(stage) {
    const honest = await stage.turn({})
    if (honest !== null) throw honest
    const before = treeOf(stage.laptopFolder)
    assert.equal((await stage.laptop.json<{ serverChanged: string | null }>(['status'])).serverChanged, null)
    assert.equal(await stage.turn({ vaults: (answer) => void (answer.incarnation = nodeChance.bytes(16)) }), null)
    assertSameTree(treeOf(stage.laptopFolder), before)
    const { stdout } = await stage.laptop.done(['status'])
    assert.match(stdout, /put back from a backup/)
    await stage.laptop.done(['confirm'])
    assert.equal((await stage.laptop.json<{ serverChanged: string | null }>(['status'])).serverChanged, null)
  },
}

/** All that the server gets to see of these is the same: what failed does not show. */
export const alikeFailures = async (stage: Stage): Promise<void> => {
  const failures: Lies[] = [
    changedKeys((keys) => void (keys.slots[0]!.commitment[3]! ^= 1)),
    changedKeys((keys) => void (keys.slots[0]!.sealedBundleKey[3]! ^= 1)),
    changedKeys((keys) => void (keys.sealedBundle[40]! ^= 1)),
    changedKeys((keys) => void (keys.generation += 1n)),
  ]
  const seen = new Set<string>()
  for (const lies of failures) {
    const before = stage.hostile.calls.length
    await attemptLogin(stage, lies)
    seen.add(stage.hostile.calls.slice(before).join(' '))
  }
  assert.equal(seen.size, 1)
}
