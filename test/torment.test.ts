/**
 * Half a minute of `npm run torment`: edits on two devices at once, while daemons and server are killed, stopped and started.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seedOfRun } from './support/dice.ts'
import { makeScratch } from './support/scratch.ts'
import { torment } from './torment/torment.ts'

const editingMs = 25_000
const faultsMax = 5
/** Slow enough for a machine that runs all the other tests beside it. */
const editsPerSecondMax = 20

test(
  'half a minute of random edits on both devices, with kills, ends alike and with every saved byte',
  { timeout: 400_000 },
  async (t) => {
    const seed = seedOfRun()
    t.diagnostic(`seed ${seed}; ANYSYNC_SEED=${seed} repeats it`)
    using scratch = makeScratch('torment')
    const { problems, summary, logs } = await torment(scratch, {
      seed,
      editingMs,
      editsPerSecondMax,
      faultsMax,
      say: () => undefined,
    })
    for (const line of summary) t.diagnostic(line)
    if (problems.length > 0) scratch.keep()
    assert.deepEqual(problems, [], [`seed ${seed}, kept in ${scratch.path}`, ...problems, ...logs].join('\n'))
  },
)
