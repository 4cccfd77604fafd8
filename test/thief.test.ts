/**
 * A thief has a device's `access.keys`, token and signing key, and calls every route of the server that may destroy what was:
 * within the hold time nothing is destroyed, and what `anysync rescue` gets back stays after it.
 */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import { create } from '@bufbuild/protobuf'
import { nodeCipher } from '@anysync/cli/ports/cipher.ts'
import { keepingParts } from '@anysync/cli/keeping.ts'
import { forget } from '@anysync/client/vault/forget.ts'
import { prune } from '@anysync/client/vault/prune.ts'
import { sealRecord } from '@anysync/client/vault/record.ts'
import { Account } from '@anysync/protocol/gen/anysync/v1/account_pb.js'
import { RetireBodySchema, SnapshotBodySchema, StatisticsSchema } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { Object$ as ObjectService } from '@anysync/protocol/gen/anysync/v1/object_pb.js'
import { Vault as VaultService } from '@anysync/protocol/gen/anysync/v1/vault_pb.js'
import { idToBytes, type PackId } from '@anysync/protocol/ids.ts'
import { holdMsDefault } from '@anysync/protocol/limits.ts'
import { Dice } from './support/dice.ts'
import { linkBoth, makeHousehold, sync, type Household } from './support/household.ts'
import { openVaultOf, type OpenedVault } from './support/opened-vault.ts'
import { assertDone, documentsOf, run } from './support/programs.ts'
import { makeScratch } from './support/scratch.ts'

const limits = { timeout: 240_000 }

/** What the desk wrote, by the number of the snapshot. */
type History = Map<number, Buffer>

const writeHistory = async ({ desk, laptop, deskFolder }: Household): Promise<History> => {
  const history: History = new Map()
  for (let version = 0; version < 4; version++) {
    const bytes = Buffer.from(new Dice(`version ${version}`).bytes(300_000))
    writeFileSync(join(deskFolder, 'thesis.pdf'), bytes)
    history.set((await sync(desk)).sequence, bytes)
  }
  await sync(laptop)
  return history
}

/** So long later, by the server's clock, it sweeps; how many packs. */
const sweepLater = async ({ server }: Household, ms: number): Promise<number> => {
  await server.stop()
  {
    using database = new DatabaseSync(join(server.home, 'server/anysync.db'))
    database.exec(`UPDATE pack SET retired_ms = retired_ms - ${ms}, stored_ms = stored_ms - ${ms}`)
  }
  const swept = assertDone(await run('anysync-server', ['sweep', '--json'], { home: server.home }))
  await server.start()
  return (documentsOf(swept)[0] as { packs: number }).packs
}

const minuteMs = 60_000

/** Nothing was swept within the hold time, and the laptop gets every version back, which is still there long after. */
const assertRescued = async (house: Household, history: History, folder: () => string): Promise<void> => {
  const { laptop, laptopFolder } = house
  assert.equal(await sweepLater(house, holdMsDefault - 5 * minuteMs), 0)
  await laptop.done(['rescue', '--folder', laptopFolder])
  await sweepLater(house, holdMsDefault + 5 * minuteMs)
  await laptop.done(['verify', laptopFolder, '--data', 'all'])
  for (const [sequence, bytes] of history) {
    const target = folder()
    await laptop.done(['restore', join(laptopFolder, 'thesis.pdf'), '--at', `${sequence}`, '--to', target])
    assert.deepEqual(readFileSync(join(target, 'thesis.pdf')), bytes)
  }
}

const partsOf = ({ vault, session }: OpenedVault) => keepingParts({ session, vault })

const packsOf = ({ session, vault }: OpenedVault): PackId[] => session.state.packIds(vault.id).toSorted()

/** A record that every device takes for one of the desk's, and what the server is told beside it. */
const appendBeside = async ({ session, vault }: OpenedVault, retired: PackId[]): Promise<void> => {
  const newest = vault.newest()
  const head = vault.head()
  const certificate = session.keys.deviceCertificate
  assert.ok(newest && head && certificate)
  const body = create(SnapshotBodySchema, {
    root: newest.root,
    timeNs: newest.timeNs + 1n,
    deviceName: 'desk',
    statistics: create(StatisticsSchema),
  })
  const signer = { signingSeed: session.keys.signingSeed, certificate }
  const record = sealRecord({ cipher: nodeCipher, keys: vault.keys, signer }, head, body)
  await session.remote.append(vault.id, head, record.bytes, [], retired)
}

const thefts: { name: string; play: (opened: OpenedVault) => Promise<void> }[] = [
  {
    name: 'forgets and prunes like a client',
    play: async (opened) => {
      await forget(opened.vault, { last: 1 })
      await prune({ ...partsOf(opened), vault: opened.vault })
    },
  },
  {
    name: 'retires in the log what kept snapshots need',
    play: async (opened) => {
      const retired = packsOf(opened)
      await opened.vault.append(create(RetireBodySchema, { retired: retired.map(idToBytes) }), { brought: [], retired })
    },
  },
  {
    name: 'tells the server to retire what the record does not say',
    play: (opened) => appendBeside(opened, packsOf(opened)),
  },
  {
    name: 'writes over packs, over the vault and over records',
    play: async ({ session, vault }) => {
      const { remote, state } = session
      for (const id of state.packIds(vault.id)) {
        const length = await remote.packLength(vault.id, id)
        assert.ok(length)
        // A pack that is there is not even read again; what is there stays.
        await remote.putPack(vault.id, id, new Uint8Array(length))
        assert.notDeepEqual(await remote.getPack(vault.id, id, 0, length), new Uint8Array(length))
      }
      await assert.rejects(remote.createVault(vault.id, new Uint8Array(100)), { kind: 'conflict' })
      const [first] = state.records(vault.id, 1, 1)
      const head = vault.head()
      assert.ok(first && head)
      await assert.rejects(remote.append(vault.id, null, first.record, []), { kind: 'conflict' })
      await assert.rejects(remote.append(vault.id, head, first.record, []), { kind: 'invalid' })
    },
  },
]

/** What each route may do to history. Whoever adds a route says it here, and adds a theft when it may destroy something. */
const routes: Record<string, 'adds' | 'reads' | 'ends the sign-in' | "needs the account's token" | 'may retire'> = {
  SignUp: 'adds',
  Challenge: 'reads',
  Login: 'adds',
  WhoAmI: 'reads',
  Logout: 'ends the sign-in',
  ListDevices: 'reads',
  RevokeDevice: "needs the account's token",
  CreateVault: 'adds',
  ListVaults: 'reads',
  Append: 'may retire',
  RecordsSince: 'reads',
  Watch: 'reads',
  Existing: 'reads',
  InUse: 'reads',
}

test('every route of the server is thought of', () => {
  const methods = [Account, VaultService, ObjectService].flatMap(({ methods }) => methods.map(({ name }) => name))
  assert.deepEqual(methods.sort(), Object.keys(routes).sort())
})

for (const { name, play } of thefts) {
  test(`a thief of a device who ${name} destroys nothing within the hold time`, limits, async () => {
    using scratch = makeScratch('thief')
    await using house = await makeHousehold(scratch)
    writeFileSync(join(house.deskFolder, 'thesis.pdf'), 'none yet')
    await linkBoth(house)
    const history = await writeHistory(house)
    {
      await using opened = await openVaultOf(house.desk)
      await play(opened)
    }
    let number = 0
    await assertRescued(house, history, () => scratch.folder(`restored ${number++}`))
  })
}
