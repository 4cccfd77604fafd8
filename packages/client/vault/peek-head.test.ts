import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RecordHash } from '@anysync/protocol/ids.ts'
import type { LogHead, Remote } from '../ports.ts'
import { addFile } from './log.suite.ts'
import { peekHead } from './peek-head.ts'
import { cipher, trouble } from './vault.suite.ts'
import { createVaultWorld } from './world.suite.ts'

/** A log of so many records, and how a device that has seen none of them asks for its head. */
const logOf = async (records: number) => {
  const world = await createVaultWorld()
  const { vault } = world.open(0)
  for (let i = 1; i <= records; i++) await addFile(vault, i)
  const newest = vault.newest()
  assert.ok(newest)
  const { identityPublicKey } = world.keys[1]!.deviceCertificate!
  const peek = (head: LogHead, remote: Pick<Remote, 'recordsSince'> = world.remote(1)) =>
    peekHead({ cipher, keys: vault.keys, identityPublicKey, remote }, head)
  return { world, newest, peek }
}

test('a new device sees time and signer of the newest record, whether or not there are others', async () => {
  for (const count of [1, 3]) {
    const { newest, peek } = await logOf(count)
    const { head, deviceId, body } = await peek(newest)
    assert.equal(head.sequence, count)
    assert.equal(deviceId, newest.deviceId)
    assert.equal(body.timeNs, newest.timeNs)
    assert.equal(body.deviceName, 'laptop')
  }
})

const giving = (bytes: Uint8Array[]): Pick<Remote, 'recordsSince'> => ({
  async *recordsSince() {
    yield* bytes
  },
})

test('a head that is another than was told, is not there, or was altered, is corrupt', async () => {
  const { world, newest, peek } = await logOf(3)
  const all = await Array.fromAsync(world.remote(1).recordsSince(world.vaultId, 0))
  await assert.rejects(peek(newest, giving([])), trouble('corrupt', /gives another/))
  await assert.rejects(peek(newest, giving([all[1]!])), trouble('corrupt', /number 2/))
  await assert.rejects(peek({ ...newest, hash: '00'.repeat(32) as RecordHash }), trouble('corrupt', /gives another/))
  for (const at of [50, all[2]!.length - 1]) {
    const altered = all[2]!.slice()
    altered[at]! ^= 1
    await assert.rejects(peek(newest, giving([altered])), trouble('corrupt'))
  }
})
