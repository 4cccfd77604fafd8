/**
 * What wakes a daemon: an edit, and what others push, but not what it pushed itself. A needless turn is small for a few
 * files; but while somebody works without pause it follows each push with the next at once, and the other devices never
 * get their turn in between.
 */
import assert from 'node:assert/strict'
import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { linkBoth, makeHousehold, sync, type SyncReport } from './support/household.ts'
import type { Running } from './support/programs.ts'
import { makeScratch } from './support/scratch.ts'

const rounds = 5

const turnsOf = (daemon: Running): SyncReport[] =>
  daemon
    .written()
    .stdout.split('\n')
    .filter((line) => line.startsWith('{"event":"turn"'))
    .map((line) => JSON.parse(line) as SyncReport)

const isPush = (turn: SyncReport | undefined): boolean => (turn?.pushed.files ?? 0) > 0

test('a device takes no turn because of its own push', { timeout: 60_000 }, async () => {
  using scratch = makeScratch('wake')
  await using house = await makeHousehold(scratch)
  await linkBoth(house)
  // What the laptop pushes then wakes the desk, and changes nothing in its folder that would wake it again.
  await house.desk.done(['config', 'set', 'mode', 'backup', '--folder', house.deskFolder])
  const daemon = house.desk.start(['start', '--foreground', '--json'])
  await daemon.line(/"event":"turn"/)
  const count = (isOne: (turn: SyncReport) => boolean) => turnsOf(daemon).filter(isOne).length
  for (let round = 1; round <= rounds; round++) {
    // Put there whole, so that the watcher tells of it once: a second word of it would rightly wake a second turn.
    const written = join(scratch.path, `desk ${round}`)
    writeFileSync(written, `text ${round}`)
    renameSync(written, join(house.deskFolder, `desk ${round}`))
    await daemon.until(() => count(isPush) === round || null)
    // By when the laptop's edit arrives, whatever the push has woken has been told.
    writeFileSync(join(house.laptopFolder, `laptop ${round}`), `text ${round}`)
    const { sequence } = await sync(house.laptop)
    await daemon.until(() => count((turn) => turn.sequence === sequence) > 0 || null)
  }
  daemon.kill('SIGTERM')
  await daemon.result
  const turns = turnsOf(daemon)
  const needless = turns.filter(
    (turn, index) => index > 0 && isPush(turns[index - 1]) && turn.sequence === turns[index - 1]?.sequence,
  )
  assert.deepEqual(needless, [], 'turns after a push that found nothing')
})
