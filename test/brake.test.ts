/**
 * A program encrypts the files of a synced folder, as ransomware does. `anysync sync` and the daemon stop before they push
 * it, and say so; the other device keeps what it has, until a person has put the files back or lets it through.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { writeFileSync, cpSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { daemonsOf, untilState } from './support/daemon.ts'
import { linkBoth, makeHousehold, sync, syncAll } from './support/household.ts'
import { described } from './support/programs.ts'
import { makeScratch } from './support/scratch.ts'
import { assertSameTree, treeOf } from './support/tree.ts'
import { assertTrouble } from './support/trouble.ts'

/** AES in counter mode over each file, under a new name: the old one goes. */
const encryptor = `
  const { createCipheriv, randomBytes } = require('node:crypto')
  const { readdirSync, readFileSync, renameSync, writeFileSync } = require('node:fs')
  const folder = process.argv[1]
  for (const name of readdirSync(folder)) {
    const cipher = createCipheriv('aes-256-ctr', randomBytes(32), randomBytes(16))
    writeFileSync(folder + '/' + name, cipher.update(readFileSync(folder + '/' + name)))
    renameSync(folder + '/' + name, folder + '/' + name + '.locked')
  }
`

const encrypt = (folder: string): void => {
  const { status, stderr } = spawnSync(process.execPath, ['-e', encryptor, folder], { encoding: 'utf8' })
  assert.equal(status, 0, stderr)
}

test('what encrypts a folder is stopped before it reaches the vault', { timeout: 240_000 }, async () => {
  using scratch = makeScratch('brake')
  await using house = await makeHousehold(scratch)
  const { desk, laptop, deskFolder, laptopFolder } = house
  await using _daemons = daemonsOf(desk, laptop)
  const papers = join(deskFolder, 'papers')
  mkdirSync(papers)
  for (let i = 0; i < 30; i++) {
    writeFileSync(join(papers, `letter ${i}.txt`), `letter ${i}\n`.repeat(200))
    writeFileSync(join(papers, `paper ${i}.pdf`), `%PDF-1.7\n${`${i} 0 obj\n`.repeat(300)}`)
  }
  await linkBoth(house)
  const before = treeOf(laptopFolder)
  const original = treeOf(papers)
  const copy = join(scratch.folder('copy'), 'papers')
  cpSync(papers, copy, { recursive: true, preserveTimestamps: true })

  encrypt(papers)
  const asked = await desk.run(['sync'])
  assertTrouble(asked, {
    exitCode: 3,
    says: /60 scrambled files and 60 deletions of 60 files wait for you.*ransomware.*anysync confirm/,
  })
  assert.match(asked.stdout, /left as it is: papers\/letter 0\.txt\.locked \(.*looks like random bytes\)/)
  await sync(laptop)
  assertSameTree(treeOf(laptopFolder), before, 'it did not wait')

  // Put back: the turn goes on, and nothing of it was anywhere else.
  rmSync(papers, { recursive: true })
  cpSync(copy, papers, { recursive: true, preserveTimestamps: true })
  await syncAll(desk, laptop)
  assert.deepEqual([...treeOf(laptopFolder).keys()], [...before.keys()])

  // The daemon stops as well, and says what to do.
  await desk.done(['start'])
  await untilState(desk, 'up-to-date')
  encrypt(papers)
  const { waiting, reason } = await untilState(desk, 'waiting')
  assert.ok((waiting?.scrambled ?? 0) >= 20, JSON.stringify(waiting))
  assert.match(reason, /scrambled files? .*of \d+ files wait: .*ransomware/)
  const target = scratch.folder('restored')
  await desk.done(['restore', papers, '--at', '1', '--to', target])
  assertSameTree(treeOf(join(target, 'papers')), original, 'the vault had it all')

  const confirmed = await desk.done(['confirm'])
  assert.match(confirmed.stdout, /scrambled files.* will go through now/, described(confirmed))
  await untilState(desk, 'up-to-date')
  await sync(laptop)
  assertSameTree(treeOf(laptopFolder), treeOf(deskFolder))
})
