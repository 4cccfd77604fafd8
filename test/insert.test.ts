/**
 * A small change of a large file travels as a small change. In the original a file like this one was destroyed on every
 * device: the chunks that the server had already were left out of it.
 */
import assert from 'node:assert/strict'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Dice } from './support/dice.ts'
import { linkBoth, makeHousehold, sync } from './support/household.ts'
import { makeScratch } from './support/scratch.ts'

test('9 bytes inserted into 30,000,000 upload less than 10 MB and arrive exactly', { timeout: 120_000 }, async (t) => {
  using scratch = makeScratch('insert')
  await using house = await makeHousehold(scratch)
  const { server, desk, laptop, deskFolder, laptopFolder } = house
  const bytes = new Dice('insert').bytes(30_000_000)
  writeFileSync(join(deskFolder, 'film'), bytes)
  await linkBoth(house)
  assert.ok(readFileSync(join(laptopFolder, 'film')).equals(bytes))

  const storedBefore = server.objectBytes()
  const edited = Buffer.concat([bytes.subarray(0, 15_000_000), Buffer.from('nine byte'), bytes.subarray(15_000_000)])
  writeFileSync(join(deskFolder, 'film'), edited)
  const { bytesUploaded } = await sync(desk)
  const stored = server.objectBytes() - storedBefore
  await sync(laptop)

  t.diagnostic(`the server stores ${stored} bytes more, the report says ${bytesUploaded} bytes were uploaded`)
  assert.ok(stored < 10_000_000, `the server stores ${stored} bytes more`)
  assert.equal(bytesUploaded, stored)
  for (const folder of [deskFolder, laptopFolder]) {
    assert.equal(statSync(join(folder, 'film')).size, 30_000_009)
    assert.ok(readFileSync(join(folder, 'film')).equals(edited))
  }
})
