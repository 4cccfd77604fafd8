/** Waits between tries. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { retryMsMax, retryMsMin } from '@anysync/protocol/limits.ts'
import { seededChance } from '../memory/chance.ts'
import { retryDelayMs } from './retry-delay.ts'

test('waits grow with failures, up to a limit, and never vanish', () => {
  const chance = seededChance(1)
  for (let failures = 0; failures < 40; failures++) {
    const ms = retryDelayMs(failures, chance)
    assert.ok(ms >= retryMsMin / 2 && ms <= retryMsMax, `${failures}: ${ms}`)
    if (failures > 10) assert.ok(ms >= retryMsMax / 2)
  }
})
