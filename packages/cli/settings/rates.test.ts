import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isTrouble } from '@anysync/protocol/errors.ts'
import { localMinute, parseRates, rateAt, type Rate } from './rates.ts'

const at = (time: string): number => {
  const [hours = 0, minutes = 0] = time.split(':').map(Number)
  return hours * 60 + minutes
}

test('a rate holds at all times, or by the time of day', () => {
  const table: [text: string, rates: [time: string, rate: Rate][]][] = [
    [
      '2 MB/s',
      [
        ['00:00', 2e6],
        ['12:00', 2e6],
      ],
    ],
    ['2MB/s', [['12:00', 2e6]]],
    ['1.5MiB / s', [['12:00', 1.5 * 2 ** 20]]],
    ['16KB/s', [['12:00', 16_000]]],
    ['off', [['12:00', null]]],
    ['none', [['12:00', null]]],
    [
      '08:00-18:00 1MB/s, else 20MB/s',
      [
        ['07:59', 20e6],
        ['08:00', 1e6],
        ['17:59', 1e6],
        ['18:00', 20e6],
      ],
    ],
    [
      '8:00 - 18:00 1 MB/s',
      [
        ['07:59', null],
        ['08:00', 1e6],
        ['18:00', null],
      ],
    ],
    [
      '22:00-06:00 off, else 1MB/s',
      [
        ['21:59', 1e6],
        ['22:00', null],
        ['00:00', null],
        ['05:59', null],
        ['06:00', 1e6],
      ],
    ],
    [
      '18:00-24:00 5MB/s, else 1MB/s',
      [
        ['17:59', 1e6],
        ['23:59', 5e6],
        ['00:00', 1e6],
      ],
    ],
    [
      '12:00-13:00 3MB/s, 08:00-18:00 1MB/s, else off',
      [
        ['12:30', 3e6],
        ['13:00', 1e6],
        ['18:30', null],
      ],
    ],
  ]
  for (const [text, rates] of table) {
    for (const [time, rate] of rates) assert.equal(rateAt(parseRates(text), at(time)), rate, `${text} at ${time}`)
  }
})

test('anything else is refused with the form and an example', () => {
  const table: [text: string, words: RegExp][] = [
    ['', /'' is no rate/],
    ['fast', /'fast' is no rate/],
    ['2MB', /'2MB' is no rate/],
    ['2/s', /'2\/s' is no rate/],
    ['2Mbit/s', /'2Mbit\/s' is no rate/],
    ['0MB/s', /'0MB\/s' is no rate/],
    ['15KB/s', /slower than the 16 KB\/s/],
    ['08:00-18:00', /no rate for a time/],
    ['08:00-18:00 fast', /'fast' is no rate/],
    ['08:00-25:00 1MB/s', /'25:00' is no time of day/],
    ['08:60-18:00 1MB/s', /'08:60' is no time of day/],
    ['08:00-08:00 1MB/s', /no time at all/],
    ['else 1MB/s, 08:00-18:00 2MB/s', /behind 'else'/],
    ['1MB/s, 2MB/s', /'1MB\/s' is no rate for a time/],
    ['else', /no rate/],
  ]
  for (const [text, words] of table) {
    assert.throws(
      () => parseRates(text),
      (error) => isTrouble(error, 'invalid') && words.test(error.message) && /08:00-18:00 1MB\/s/.test(error.message),
      text,
    )
  }
})

test('the minute of the day is a local one', () => {
  const date = new Date(2026, 5, 1, 13, 37, 59)
  assert.equal(localMinute(BigInt(date.getTime()) * 1_000_000n), 13 * 60 + 37)
})
