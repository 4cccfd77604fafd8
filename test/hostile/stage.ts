/**
 * What every attack is played on: a desk that speaks with the real server and goes on writing, and a laptop, run in this
 * process, whose server is the hostile one. An attack that is refused leaves the laptop as it was, so the next one finds
 * the same stage; at the end the laptop meets the honest server and gets everything.
 */
import assert from 'node:assert/strict'
import { appendFileSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { nodeChance } from '@anysync/cli/ports/chance.ts'
import { openLinkEngine } from '@anysync/cli/engines.ts'
import { openSession, remoteOf } from '@anysync/cli/session.ts'
import { alarmOf } from '@anysync/client/sync/facts.ts'
import { SyncError, type Kind } from '@anysync/protocol/errors.ts'
import { dataCut } from '@anysync/protocol/limits.ts'
import { ann, logIn, newDevice, signUp, type TestDevice } from '../support/device.ts'
import { sync } from '../support/household.ts'
import { openVaultOf, type OpenedVault } from '../support/opened-vault.ts'
import { assertDone } from '../support/programs.ts'
import type { Scratch } from '../support/scratch.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { assertSameTree, treeOf } from '../support/tree.ts'
import { listenHostile, type HostileServer, type Lies } from './proxy.ts'

export type Stage = AsyncDisposable & {
  scratch: Scratch
  server: TestServer
  hostile: HostileServer
  /** An invitation of the real server, spent: a later login goes by it. */
  link: string
  desk: TestDevice
  deskFolder: string
  laptop: TestDevice
  laptopFolder: string
  /** The desk's vault with its keys: what a thief of a device can do. Only one at a time. */
  openDesk(): Promise<OpenedVault>
  /** What the laptop's turn throws while the server lies so, or tells of a path; null for neither. */
  turn(lies: Lies): Promise<SyncError | null>
  /** What the laptop knows of the log, the alarm that it would tell a person, and its folder. */
  look(): Promise<{ sequence: number; alarm: string | null }>
}

/** `isLogTaken`: what is refused lies below records that are true, and these are kept. */
export type Refusal = { kinds?: Kind[]; says: RegExp; isLogTaken?: boolean }

export type Attack = {
  name: string
  /** Plays it, and fails unless it is refused. */
  play: (stage: Stage) => Promise<void>
}

export const makeStage = async (scratch: Scratch): Promise<Stage> => {
  await using stack = new AsyncDisposableStack()
  const server = stack.use(await startServer(scratch))
  const hostile = stack.use(await listenHostile(server.home, server.port()))
  const [desk, laptop] = [newDevice(scratch, 'desk'), newDevice(scratch, 'laptop')]
  const link = await server.invite()
  assertDone(await signUp(desk, link, ann))
  const [deskFolder, laptopFolder] = [scratch.folder('desk'), scratch.folder('laptop')]
  mkdirSync(join(deskFolder, 'letters/old'), { recursive: true })
  for (let i = 0; i < 5; i++) writeFileSync(join(deskFolder, 'letters', `letter ${i}`), `letter ${i}\n`.repeat(100))
  writeFileSync(join(deskFolder, 'letters/old/noise'), nodeChance.bytes(300_000))
  symlinkSync('letters', join(deskFolder, 'link'))
  await desk.done(['add', deskFolder, '--vault', 'documents', '--create'])
  await sync(desk)
  appendFileSync(join(deskFolder, 'letters/letter 1'), 'more')
  await sync(desk)
  await desk.done(['vault', 'create', 'another'])
  assertDone(await logIn(laptop, link.replace(server.url(), hostile.url), ann))
  await laptop.done(['add', laptopFolder, '--vault', 'documents'])
  await sync(laptop)
  assertSameTree(treeOf(laptopFolder), treeOf(deskFolder))
  // What the laptop has not seen yet when the attacks begin: records 3 to 5.
  writeFileSync(join(deskFolder, 'letters/letter 2'), 'another text')
  mkdirSync(join(deskFolder, 'photos'))
  writeFileSync(join(deskFolder, 'photos/large'), nodeChance.bytes(3_000_000))
  await sync(desk)
  for (let i = 0; i < 20; i++) writeFileSync(join(deskFolder, 'photos', `photo ${i}`), nodeChance.bytes(2000))
  await sync(desk)
  // One chunk each, and a segment each, of one length.
  for (const name of ['twin 1', 'twin 2']) writeFileSync(join(deskFolder, name), nodeChance.bytes(dataCut.min))
  await sync(desk)

  const held = stack.move()
  const session = async () => {
    await using stack = new AsyncDisposableStack()
    const session = stack.use(await openSession({ home: laptop.home }, true))
    // What is tried again is tried again at once.
    const remote = stack.use(remoteOf(session, { pause: () => Promise.resolve() }))
    const held = stack.move()
    return { ...session, remote, [Symbol.asyncDispose]: () => held.disposeAsync() }
  }
  const linkOf = ({ state }: Awaited<ReturnType<typeof session>>) => {
    const [link] = state.links()
    assert.ok(link)
    return link
  }
  return {
    scratch,
    server,
    hostile,
    link,
    desk,
    deskFolder,
    laptop,
    laptopFolder,
    openDesk: () => openVaultOf(desk, [], 'documents'),
    async turn(lies) {
      await using opened = await session()
      hostile.lies = lies
      try {
        const { engine } = await openLinkEngine(opened, linkOf(opened))
        const { troubles } = await engine.turn()
        const [trouble] = troubles.filter(({ kind }) => kind === 'corrupt')
        return trouble === undefined ? null : new SyncError('turn', 'corrupt', trouble.message)
      } catch (error) {
        // Else the attack itself failed.
        if (error instanceof SyncError && hostile.fault === null) return error
        throw hostile.fault ?? error
      } finally {
        hostile.lies = {}
      }
    },
    async look() {
      await using opened = await session()
      const link = linkOf(opened)
      return {
        sequence: opened.state.head(link.vaultId)?.sequence ?? 0,
        alarm: alarmOf(opened.state, link.id)?.message ?? null,
      }
    },
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  }
}

/** The turn is refused in these words, and neither the folder nor what the laptop knows of the log has changed. */
export const refuses =
  (
    lies: (stage: Stage) => Lies | Promise<Lies>,
    { kinds = ['corrupt'], says, isLogTaken = false }: Refusal,
  ): Attack['play'] =>
  async (stage) => {
    const played = await lies(stage)
    const [before, known] = [treeOf(stage.laptopFolder), await stage.look()]
    const error = await stage.turn(played)
    assert.ok(error !== null, 'the turn was taken as if nothing was wrong')
    assert.match(error.message, says)
    assert.ok(kinds.includes(error.kind), `${error.kind}: ${error.message}`)
    assertSameTree(treeOf(stage.laptopFolder), before, 'the attack changed files')
    if (!isLogTaken) assert.deepEqual(await stage.look(), known)
  }
