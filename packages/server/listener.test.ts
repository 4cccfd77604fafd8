/** How the server's lines are set up, where no answer shows it without a clock. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createListener } from './listener.ts'

test('a line sends what it has at once', () => {
  assert.equal(Reflect.get(createListener({ certificate: '', key: '' }), 'noDelay'), true)
})
