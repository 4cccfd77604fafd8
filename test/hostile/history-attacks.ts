/** Attacks on the whole log: the server shows a device less than it has seen, or something else. */
import assert from 'node:assert/strict'
import { create } from '@bufbuild/protobuf'
import { nodeCipher } from '@anysync/cli/ports/cipher.ts'
import type { LogHead } from '@anysync/client/ports.ts'
import { sealRecord } from '@anysync/client/vault/record.ts'
import { SnapshotBodySchema, StatisticsSchema } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { recordHashFromBytes } from '@anysync/protocol/ids.ts'
import { treeOf } from '../support/tree.ts'
import { copyOf, headOf, openRecord, type Records } from './records.ts'
import type { Attack, Stage } from './stage.ts'

/** The laptop, which had everything, tells an alarm, and no file of its folder is another or gone. */
const alarms =
  (lie: (records: Records, seen: LogHead, other: Uint8Array) => Records): Attack['play'] =>
  async (stage) => {
    const honest = await stage.turn({})
    if (honest !== null) throw honest
    await stage.laptop.done(['confirm'])
    assert.equal((await stage.look()).alarm, null)
    let known: Records = []
    await stage.turn({ records: (records) => (known = records) })
    const seen = headOf(copyOf(known, 0))
    const other = await otherRecord(stage, openRecord(copyOf(known, 0)).header.previous)
    const before = treeOf(stage.laptopFolder)
    await stage.turn({
      records: (records) => lie(records, seen, other),
      // What it would push now is not the matter.
      answer: (route, answer) => {
        if (route.endsWith('/Append')) Object.assign(answer, { status: 503, headers: {}, body: Buffer.alloc(0) })
      },
    })
    const after = treeOf(stage.laptopFolder)
    // What was deleted since may come back; what is here stays as it is.
    for (const [path, is] of before) if (!is.startsWith('folder')) assert.equal(after.get(path), is, path)
    assert.match((await stage.look()).alarm ?? '', /older or another history than this device has seen/)
  }

/** A true record of the desk, with the number of its newest, that the laptop was not shown. */
const otherRecord = async (stage: Stage, previous: Uint8Array): Promise<Uint8Array> => {
  await using opened = await stage.openDesk()
  const { vault, session } = opened
  const newest = vault.newest()
  const certificate = session.keys.deviceCertificate
  assert.ok(newest && certificate)
  const { root, sequence } = newest
  const statistics = create(StatisticsSchema)
  const body = create(SnapshotBodySchema, { root, timeNs: 7n, deviceName: 'desk', statistics })
  const signer = { signingSeed: session.keys.signingSeed, certificate }
  const before = { sequence: sequence - 1, hash: recordHashFromBytes(previous) }
  return sealRecord({ cipher: nodeCipher, keys: vault.keys, signer }, before, body).bytes
}

/** After these the laptop has gone back with the server. */
export const historyAttacks: Attack[] = [
  {
    name: 'the log lacks its tail',
    play: alarms((records, seen) => records.filter((bytes) => headOf(bytes).sequence < seen.sequence)),
  },
  {
    name: 'the log has another head than was shown',
    play: alarms((records, seen, other) =>
      records.map((bytes) => (headOf(bytes).sequence === seen.sequence ? other : bytes)),
    ),
  },
  { name: 'the log is empty', play: alarms(() => []) },
]
