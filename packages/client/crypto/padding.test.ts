import assert from 'node:assert/strict'
import { test } from 'node:test'
import { create, toBinary } from '@bufbuild/protobuf'
import { VaultLabelSchema } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { paddingOfRoom } from './padding.ts'

test('a padding field takes just the room that it is for, or there is none that does', () => {
  const none: number[] = []
  for (let room = 0; room < 20_000; room++) {
    const padding = paddingOfRoom(room)
    if (padding === null) none.push(room)
    else
      assert.equal(
        toBinary(VaultLabelSchema, create(VaultLabelSchema, { padding: new Uint8Array(padding) })).length,
        room,
      )
  }
  assert.deepEqual(none, [0, 1, 2, 130, 16_387])
})
