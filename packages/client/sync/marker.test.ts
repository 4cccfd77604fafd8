/** A marker says its link, vault and mode, and what it does not say is null. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseVaultId } from '@anysync/protocol/ids.ts'
import { linkModes } from '../ports.ts'
import { isMarkerOf, markerOf, parseMarker } from './marker.ts'

const id = 'ab'.repeat(16)
const vaultId = parseVaultId('cd'.repeat(16))

test('a marker says its link, its vault and its mode', () => {
  for (const mode of linkModes)
    assert.deepEqual(parseMarker(markerOf({ id, vaultId, mode })), { linkId: id, vaultId, mode })
})

test('of any other text what can be read is read, and the rest is null', () => {
  const table: [text: string, linkId: string, isVaultSaid: boolean, mode: string | null][] = [
    ['', '', false, null],
    [id, id, false, null],
    [`${id}\n`, id, false, null],
    [`${id} ${vaultId}`, id, true, null],
    [`${id} ${vaultId} backwards`, id, true, null],
    [`${id} ${vaultId.slice(1)} mirror`, id, false, 'mirror'],
    ['restore', 'restore', false, null],
  ]
  for (const [text, linkId, isVaultSaid, mode] of table)
    assert.deepEqual(parseMarker(text), { linkId, vaultId: isVaultSaid ? vaultId : null, mode }, text)
})

test('a marker is of the link whose whole id it begins with', () => {
  assert.equal(isMarkerOf(markerOf({ id, vaultId, mode: 'sync' }), id), true)
  assert.equal(isMarkerOf(id, id), true)
  for (const other of [null, '', id.slice(1), `${id}0`, `${id}0 ${vaultId}`, ` ${id}`, 'restore'])
    assert.equal(isMarkerOf(other, id), false)
})
