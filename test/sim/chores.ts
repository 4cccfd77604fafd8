/**
 * What is done with the past of a vault while others sync: forgetting, pruning, rescuing, and bringing back what was
 * deleted. A chore runs in its device's process like a turn, and dies with it.
 */
import { SyncError } from '@anysync/protocol/errors.ts'
import { NodeKind } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { nodeIdFromBytes } from '@anysync/protocol/ids.ts'
import { folderOf } from '@anysync/client/path.ts'
import { commitPutBack } from '@anysync/client/vault/commit-put-back.ts'
import { diffTrees } from '@anysync/client/vault/diff.ts'
import { findChain } from '@anysync/client/vault/find.ts'
import { forget } from '@anysync/client/vault/forget.ts'
import { prune } from '@anysync/client/vault/prune.ts'
import { rescue } from '@anysync/client/vault/rescue.ts'
import { diceOf, type Dice } from './dice.ts'
import type { ChoreName, Step } from './history.ts'
import type { Task } from './scheduler.ts'
import { endTurn, errorOf, startTurn } from './turns.ts'
import { cipher, type Device, type World } from './world.ts'

/** A chore at one device, while others take turns. */
export const playChore = async (world: World, step: Step & { kind: 'chore' }): Promise<void> => {
  const device = world.devices[step.device]
  if (device === undefined) return
  const { process, troubles } = device
  world.say(`${device.name}: ${step.chore}${step.fault === null ? '' : `, with ${JSON.stringify(step.fault)}`}`)
  if (step.chore === 'forget') world.hasLetGo = true
  // What comes back makes twins of what was copied, and is no work of the one person.
  world.hasTwins = true
  const chore: Task & { error: unknown } = { isDone: false, error: null }
  const done = (): void => {
    chore.isDone = true
  }
  process.expect(step.fault)
  process.onDeath = done
  doChore(world, device, step.chore, step.seed).then(done, (error: unknown) => {
    if (!process.isDead) chore.error = error
    done()
  })
  const turns = step.turns.flatMap((turn) => {
    const other = world.devices[turn.device]
    return other === undefined ? [] : [startTurn(world, other, turn, false)]
  })
  await world.scheduler.run([chore, ...turns], step, () => undefined)
  if (process.isDead) {
    world.say(`  ${device.name} dies`)
    // It may have put back something, and nobody knows what stood in the way of that.
    if (step.chore === 'undelete') world.hasReplaced = true
    device.start(device.state.snapshot())
  }
  device.process.expect(null)
  if (step.fault?.kind === 'unplug' || step.fault?.kind === 'hide') device.putDiskBack()
  for (const turn of turns) endTurn(world, turn, step.seed)
  world.clock.advance(1)
  if (chore.error === null) return
  if (!isChoreTrouble(chore.error)) throw errorOf(chore.error)
  world.say(`  ${device.name} says: ${chore.error.message}`)
  const isTroubled = step.fault !== null || troubles.isCutOff || troubles.isFull || world.serverCopy !== null
  if (!isTroubled) throw chore.error
}

/** Whether it came to its end. What a line, a full server or a server that went back may end, is no failure. */
const doChore = async (world: World, device: Device, chore: ChoreName, seed: number): Promise<void> => {
  const { vault, state, remote } = device
  const { keys, work } = vault
  const { identityPublicKey } = world.accessKeys.deviceCertificate ?? {}
  if (identityPublicKey === undefined) throw new Error('the device has no certificate')
  const parts = { cipher, chance: world.chance, keys, work, state, remote, vault, identityPublicKey }
  const dice = diceOf(seed)
  switch (chore) {
    case 'forget':
      await forget(vault, { last: 1 + dice.below(3) })
      break
    case 'prune':
      await prune(parts)
      break
    case 'rescue':
      await rescue(parts, () => dice.oneIn(2))
      break
    case 'undelete':
      await undelete(world, device, dice)
      break
  }
}

/** Puts something back that is not in the vault any more, where nothing has taken its place or that of a folder above it. */
const undelete = async (world: World, { vault }: Device, dice: Dice): Promise<void> => {
  const newest = await vault.refresh()
  const older = vault.snapshots()
  if (newest === null || older.length < 2) return
  const then = dice.pick(older)
  const { differences } = await diffTrees(vault, newest.root, then.root)
  const gone = differences.flatMap(({ change, after }) => (change === 'added' ? [after.path] : []))
  if (gone.length === 0) return
  const path = dice.pick(gone)
  for (let at = path; at !== ''; at = folderOf(at)) {
    const there = (await findChain(vault, newest.root, at))?.at(-1)
    if (there !== undefined && (at === path || there.kind !== NodeKind.FOLDER)) return
  }
  world.say(`  puts back '${path}' of snapshot ${then.sequence}`)
  const newId = () => nodeIdFromBytes(world.chance.bytes(16))
  const { snapshot } = await commitPutBack(vault, then, path, { isExact: false, newId })
  if (snapshot === null) return
  // Something came into its way after all, or lies where its folder is now.
  const made = await diffTrees(vault, newest.root, snapshot.root)
  if (made.differences.some(({ change }) => change !== 'added')) world.hasReplaced = true
}

/** What may end a chore without being a failure. A server that went back is followed by the next turn. */
const isChoreTrouble = (error: unknown): error is SyncError =>
  error instanceof SyncError &&
  (error.kind === 'unavailable' ||
    error.kind === 'conflict' ||
    error.kind === 'missing' ||
    error.operation === 'log.compare')
