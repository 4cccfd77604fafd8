/** Records as a server has them, which cannot open them but sees their headers. */
import assert from 'node:assert/strict'
import { fromBinary } from '@bufbuild/protobuf'
import { nodeCipher } from '@anysync/cli/ports/cipher.ts'
import type { LogHead } from '@anysync/client/ports.ts'
import { RecordHeaderSchema, RecordSchema } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { recordHashFromBytes } from '@anysync/protocol/ids.ts'

export type Records = Uint8Array[]

export const copyOf = (records: Records, at: number): Uint8Array => {
  const record = records[at]
  assert.ok(record)
  return record.slice()
}

export const openRecord = (bytes: Uint8Array) => {
  const record = fromBinary(RecordSchema, bytes)
  return { record, header: fromBinary(RecordHeaderSchema, record.header) }
}

export const headOf = (bytes: Uint8Array): LogHead => ({
  sequence: Number(openRecord(bytes).header.sequence),
  hash: recordHashFromBytes(nodeCipher.sha256(bytes)),
})
