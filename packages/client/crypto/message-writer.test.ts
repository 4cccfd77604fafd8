import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MessageWriter } from './message-writer.ts'

const write = (sizeGuess: number): string => {
  const writer = new MessageWriter(sizeGuess)
  writer.message(1, () => writer.uint32(2, 7))
  writer.message(3, () => undefined)
  writer.message(4, () => writer.message(1, () => writer.text(1, 'a'.repeat(126))))
  writer.text(5, 'é')
  return writer.finish().toHex()
}

test('a message is written alike whatever was guessed of its size', () => {
  const whole = ['0a021007', '1a00', '2283010a80010a7e', '61'.repeat(126), '2a02c3a9'].join('')
  for (let sizeGuess = 0; sizeGuess < 160; sizeGuess++) assert.equal(write(sizeGuess), whole)
})
