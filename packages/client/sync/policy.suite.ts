/**
 * Stories in which two people change one vault at once and a third device only follows. Each is told in both orders of
 * the log; in the end all three are alike, base and head agree, and another turn does nothing.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertBaseIsHead, assertNothingToDo } from './settled.suite.ts'
import { assertAlike } from './household.suite.ts'
import { createWorld, filesOf, settle, type Device } from './world.suite.ts'

type Person = Device['user']

export type Story = {
  /** What all have at first. */
  files: Record<string, string>
  one: (user: Person) => void
  other: (user: Person) => void
  /**
   * The files of everyone in the end, when `one` was first in the log and when `other` was; a conflict copy is called
   * 'name (conflict)'. One answer where the order does not matter.
   */
  ends: Record<string, string> | { oneFirst: Record<string, string>; otherFirst: Record<string, string> }
}

/** A file that keeps a story from being about most of the vault. */
const padding = Object.fromEntries(['pad 1', 'pad 2', 'pad 3'].map((name) => [name, name]))

const withPlainCopies = (files: Record<string, string>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(files)
      .filter(([path]) => !(path in padding))
      .map(([path, content]) => [path.replace(/ \(conflict device\d [^)]*\)/, ' (conflict)'), content]),
  )

export const story = (name: string, told: Story): void => {
  test(name, async () => {
    for (const isOneFirst of [true, false]) {
      const world = await createWorld(1, 3)
      const [a, b, c] = world.devices
      assert.ok(a && b && c)
      for (const [path, content] of Object.entries({ ...told.files, ...padding })) a.user.writeFile(path, content)
      world.clock.advance(1000)
      await settle(world)
      world.clock.advance(1000)
      told.one(a.user)
      told.other(b.user)
      world.clock.advance(1000)
      for (const device of isOneFirst ? [a, b, c] : [b, a, c]) await device.engine.turn()
      await settle(world)
      const { ends } = told
      const wanted =
        'oneFirst' in ends && typeof ends.oneFirst === 'object' ? ends[isOneFirst ? 'oneFirst' : 'otherFirst'] : ends
      assert.deepEqual(withPlainCopies(await filesOf(c.disk)), wanted, isOneFirst ? 'one first' : 'other first')
      await assertAlike(world)
      for (const device of world.devices) {
        await assertNothingToDo(device)
        await assertBaseIsHead(device)
        assert.equal(device.disk.countTemps(), 0)
      }
    }
  })
}
