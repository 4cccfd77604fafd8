/** The daemon's daily proof, on a clock that a test moves. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededChance } from '@anysync/client/memory/chance.ts'
import { steppedClock } from '@anysync/client/memory/clock.ts'
import { SyncError } from '@anysync/protocol/errors.ts'
import { parseVaultId, type VaultId } from '@anysync/protocol/ids.ts'
import { proofLookMs, proofStartMs } from '@anysync/protocol/limits.ts'
import { runProver, type ProverParts } from './prover.ts'

const photos = parseVaultId('aa'.repeat(16))
const letters = parseVaultId('bb'.repeat(16))
const hourMs = 3_600_000

/** All that can happen at this moment has happened. */
const settled = () => new Promise((resolve) => setImmediate(resolve))

const startProver = (t: { after(work: () => Promise<void>): void }) => {
  const clock = steppedClock()
  const world = {
    vaults: [photos] as VaultId[],
    bytesMax: 64 as number | null,
    trouble: null as Error | null,
    proven: [] as [vaultId: VaultId, hour: number][],
    troubles: [] as string[],
  }
  const last = new Map<VaultId, bigint>()
  const parts: ProverParts = {
    clock,
    chance: seededChance(3),
    vaultIds: () => world.vaults,
    bytesMax: () => world.bytesMax,
    lastNs: (vaultId) => last.get(vaultId) ?? null,
    prove: async (vaultId) => {
      if (world.trouble !== null) throw world.trouble
      world.proven.push([vaultId, Math.floor(clock.monotonicMs() / hourMs)])
      last.set(vaultId, clock.nowNs())
    },
    onTrouble: (_vaultId, { kind }) => world.troubles.push(kind),
  }
  const stop = new AbortController()
  const done = runProver(parts, stop.signal)
  t.after(async () => {
    stop.abort()
    await done
  })
  const pass = async (ms: number) => {
    for (let passed = 0; passed < ms; passed += proofLookMs) {
      clock.advance(proofLookMs)
      await settled()
    }
  }
  return { world, pass, stop, done }
}

test('each vault is proven soon after the start and then once a day', async (t) => {
  const { world, pass } = startProver(t)
  world.vaults = [photos, letters, photos]
  await pass(proofStartMs)
  assert.deepEqual(
    world.proven.map(([vaultId]) => vaultId),
    [photos, letters],
  )
  await pass(23 * hourMs)
  assert.equal(world.proven.length, 2)
  await pass(4 * hourMs)
  assert.equal(world.proven.length, 4)
  await pass(10 * 26 * hourMs)
  assert.ok(world.proven.length >= 2 * 11)
})

test('none is made while none is wanted, and a folder that is linked later has its own', async (t) => {
  const { world, pass } = startProver(t)
  world.bytesMax = null
  await pass(30 * hourMs)
  assert.deepEqual(world.proven, [])
  world.bytesMax = 64
  await pass(proofLookMs)
  assert.equal(world.proven.length, 1)
  world.vaults = [photos, letters]
  await pass(proofLookMs)
  assert.equal(world.proven.at(-1)?.[0], letters)
})

test('a server that cannot be asked is asked again an hour later', async (t) => {
  const { world, pass } = startProver(t)
  world.trouble = new SyncError('pack.get', 'unavailable', 'the server is not reached')
  await pass(proofStartMs)
  assert.deepEqual(world.troubles, ['unavailable'])
  await pass(hourMs - proofStartMs)
  assert.equal(world.troubles.length, 1)
  world.trouble = null
  await pass(proofStartMs)
  assert.equal(world.proven.length, 1)
})

test('what is a bug ends it, and an end that is wanted is none', async (t) => {
  const { world, pass, done, stop } = startProver(t)
  await pass(0)
  stop.abort()
  await done
  const other = startProver({ after: () => undefined })
  other.world.trouble = new TypeError('a bug')
  const ended = assert.rejects(other.done, /a bug/)
  await other.pass(proofStartMs)
  await ended
  assert.deepEqual(world.troubles, [])
})
