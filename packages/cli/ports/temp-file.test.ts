/** Large files are flushed while they are written, and a flush that fails is no secret. */
import assert from 'node:assert/strict'
import type { FileHandle } from 'node:fs/promises'
import { test } from 'node:test'
import { SyncError } from '@anysync/protocol/errors.ts'
import { MiB } from '@anysync/protocol/limits.ts'
import { NodeTempFile } from './temp-file.ts'

const piece = new Uint8Array(16 * MiB).fill(1)
const options = { setMtime: () => undefined, isSyncedAtFinish: false, whenFinished: () => undefined }

/** A handle that writes nothing, and what was asked of it. */
const handleThat = (datasync: () => Promise<void>): { handle: FileHandle; calls: string[] } => {
  const calls: string[] = []
  const noting =
    <Result>(call: string, answer: (...args: number[]) => Promise<Result>) =>
    (...args: number[]) => {
      if (calls.at(-1) !== call) calls.push(call)
      return answer(...args)
    }
  const handle = {
    fd: 7,
    write: noting('write', async (_bytes, _at, length) => ({ bytesWritten: length })),
    datasync: noting('flush', datasync),
    truncate: noting('truncate', async () => undefined),
    chmod: noting('chmod', async () => undefined),
    close: noting('close', async () => undefined),
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as much of a handle as a temp file asks for
  return { handle: handle as unknown as FileHandle, calls }
}

test('every 64 MiB are flushed while the next are written', async () => {
  const { handle, calls } = handleThat(async () => undefined)
  const temp = new NodeTempFile('/nowhere', handle, options)
  for (let written = 0; written < 160; written += 16) await temp.write(piece)
  assert.deepEqual(calls, ['write', 'flush', 'write', 'flush', 'write'])
})

const fails = async () => {
  throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC', syscall: 'fdatasync' })
}

const isFull = (error: unknown): boolean => error instanceof SyncError && error.kind === 'full'

test('a flush that failed fails what is written after it, and the end of the file', async () => {
  const written = new NodeTempFile('/nowhere', handleThat(fails).handle, options)
  for (let count = 0; count < 7; count++) await written.write(piece)
  await assert.rejects(written.write(piece), isFull)
  const finished = new NodeTempFile('/nowhere', handleThat(fails).handle, options)
  for (let count = 0; count < 4; count++) await finished.write(piece)
  await assert.rejects(finished.finish({ mode: 0o600, mtimeNs: 0n }), isFull)
})
