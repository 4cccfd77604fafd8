/**
 * Packs over plain HTTP/1.1, as object.proto describes it: the fast way for many bytes. Bodies stream at the pace that a
 * person set, and no answer is read beyond what was asked for.
 */
import { Readable } from 'node:stream'
import type { Dispatcher } from 'undici'
import { discard } from '@anysync/client/crypto/bytes.ts'
import { isKind, kinds, SyncError, type Kind } from '@anysync/protocol/errors.ts'
import type { PackId, VaultId } from '@anysync/protocol/ids.ts'
import { errorAnswerBytesMax, packBytesMax } from '@anysync/protocol/limits.ts'
import { formatServer } from './link.ts'
import { networkTrouble, plainMessage } from './network-trouble.ts'
import { retry } from './retry.ts'
import { demandOpen, type Line } from './transport.ts'

type Answer = Dispatcher.ResponseData
type Ask = { method: 'PUT' | 'GET' | 'HEAD'; headers?: Record<string, string>; body?: Uint8Array }

export const putPack = (line: Line, vaultId: VaultId, pack: PackId, bytes: Uint8Array): Promise<void> => {
  const operation = 'pack.put'
  const headers = { 'content-length': String(bytes.length), 'content-type': 'application/octet-stream' }
  const ask: Ask = { method: 'PUT', headers, body: bytes }
  return request(line, operation, vaultId, pack, ask, async (answer) => {
    if (answer.statusCode !== 200 && answer.statusCode !== 201) throw await refused(line, operation, answer)
  })
}

/** Exactly these bytes of a pack. */
export const getPack = async (
  line: Line,
  vaultId: VaultId,
  pack: PackId,
  offset: number,
  length: number,
  memory?: Uint8Array,
): Promise<Uint8Array> => {
  const operation = 'pack.get'
  const isRange = Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length > 0
  if (!isRange || length > packBytesMax) {
    throw new SyncError(operation, 'invalid', `a range begins at 0 or later and has 1 to ${packBytesMax} bytes`)
  }
  const end = offset + length
  const beyond = `pack ${pack} ends before byte ${end}`
  const headers = { range: `bytes=${offset}-${end - 1}` }
  return request(line, operation, vaultId, pack, { method: 'GET', headers }, async (answer) => {
    if (answer.statusCode !== 206) {
      const trouble = await refused(line, operation, answer)
      // The ids and the range are well formed, so the range can only be invalid for lying beyond the pack.
      throw trouble.kind === 'invalid' ? new SyncError(operation, 'missing', beyond, trouble) : trouble
    }
    const [, first, last] = /^bytes (\d+)-(\d+)\/\d+$/.exec(headerOf(answer, 'content-range')) ?? []
    if (Number(first) === offset && Number(last) < end - 1) throw new SyncError(operation, 'missing', beyond)
    if (Number(first) !== offset || Number(last) !== end - 1) {
      throw new SyncError(
        operation,
        'corrupt',
        `the server sent another range of pack ${pack} than bytes ${offset} to ${end}`,
      )
    }
    const bytes = memory?.subarray(0, length) ?? new Uint8Array(length)
    await readExactly(line, operation, answer, pack, bytes)
    return bytes
  })
}

/** Bytes of the whole pack, null when it is not there. */
export const packLength = (line: Line, vaultId: VaultId, pack: PackId): Promise<number | null> => {
  const operation = 'pack.length'
  return request(line, operation, vaultId, pack, { method: 'HEAD' }, async (answer) => {
    if (answer.statusCode === 404) return null
    if (answer.statusCode !== 200) throw await refused(line, operation, answer, true)
    const length = headerOf(answer, 'content-length')
    if (!/^\d{1,15}$/.test(length)) {
      throw new SyncError(operation, 'corrupt', `the server does not say how long pack ${pack} is`)
    }
    return Number(length)
  })
}

/**
 * One request that may be repeated, each time in its turn. What `use` left unread of the answer is dropped, so that the
 * connection serves on.
 */
const request = <Result>(
  line: Line,
  operation: string,
  vaultId: VaultId,
  pack: PackId,
  ask: Ask,
  use: (answer: Answer) => Promise<Result>,
): Promise<Result> => {
  const attempt = async (): Promise<Result> => {
    let answer: Answer | null = null
    try {
      const pool = await line.pool()
      demandOpen(line.server, line.closed)
      answer = await pool.request({
        path: `/objects/${vaultId}/${pack}`,
        method: ask.method,
        headers: { ...line.authorization, ...ask.headers },
        body: ask.body === undefined ? null : Readable.from(slicesOf(line, ask.body), { highWaterMark: 1 }),
      })
      return await use(answer)
    } catch (error) {
      throw networkTrouble(operation, line.server, error)
    } finally {
      await drop(answer)
    }
  }
  return retry(line, () => line.flow.transfer(ask.body === undefined ? 'down' : 'up', attempt))
}

const drop = async (answer: Answer | null): Promise<void> => {
  try {
    await answer?.body.dump({ limit: errorAnswerBytesMax })
  } catch {
    // What matters of the answer was used; the connection is gone and the next request opens another.
  }
}

// In slices, so that the time-out counts silence and not the length of a slow upload.
async function* slicesOf({ flow, closed }: Line, bytes: Uint8Array): AsyncIterable<Uint8Array> {
  for (let offset = 0; offset < bytes.length;) {
    const slice = bytes.subarray(offset, offset + flow.up.sliceBytes())
    await flow.up.take(slice.length, closed)
    yield slice
    offset += slice.length
  }
}

/** Fills the bytes with an answer that must be as long. */
const readExactly = async (
  line: Line,
  operation: string,
  answer: Answer,
  pack: PackId,
  bytes: Uint8Array,
): Promise<void> => {
  const { length } = bytes
  let got = 0
  for await (const piece of piecesFrom(answer)) {
    if (got + piece.length > length) {
      throw new SyncError(
        operation,
        'corrupt',
        `the server sent more of pack ${pack} than the ${length} bytes asked for`,
      )
    }
    const { length: came } = piece
    bytes.set(piece, got)
    got += came
    // A range comes in hundreds of them, each in memory of its own, unless more of the answer lies there.
    if (came === piece.buffer.byteLength) discard(piece)
    // Not to read on is what slows the server down.
    await line.flow.down.take(came, line.closed)
  }
  if (got !== length) {
    throw new SyncError(operation, 'unavailable', `pack ${pack} broke off after ${got} of ${length} bytes: try again`)
  }
}

async function* piecesFrom(answer: Answer): AsyncIterable<Uint8Array> {
  for await (const piece of answer.body) {
    if (!(piece instanceof Uint8Array)) throw new TypeError('a body is bytes')
    yield piece
  }
}

/**
 * What the server said instead of an answer. A status without the server's own words may be anybody's, a proxy's say,
 * so it is `unavailable`; only answers to HEAD, which cannot hold words, count by their status.
 */
const refused = async (line: Line, operation: string, answer: Answer, isHead = false): Promise<SyncError> => {
  const said = isHead ? null : parseRefusal(await readRefusal(answer))
  if (said !== null) return new SyncError(operation, said.kind, plainMessage(said.message))
  const kind = isHead ? kindOfStatus(answer.statusCode) : 'unavailable'
  const where = formatServer(line.server)
  return new SyncError(
    operation,
    kind,
    `the server at ${where} answers with status ${answer.statusCode}: try again later`,
  )
}

const readRefusal = async (answer: Answer): Promise<string> => {
  const decoder = new TextDecoder()
  let text = ''
  for await (const piece of piecesFrom(answer)) {
    text += decoder.decode(piece, { stream: true })
    if (text.length > errorAnswerBytesMax) break
  }
  return text
}

const parseRefusal = (text: string): { kind: Kind; message: string } | null => {
  try {
    const said: unknown = JSON.parse(text)
    if (typeof said !== 'object' || said === null || !('kind' in said) || !('message' in said)) return null
    const { kind, message } = said
    return typeof kind === 'string' && isKind(kind) && typeof message === 'string' ? { kind, message } : null
  } catch {
    // Not the words of our server.
    return null
  }
}

const kindOfStatus = (status: number): Kind => {
  for (const [kind, of] of Object.entries(kinds)) if (of === status && isKind(kind)) return kind
  return 'unavailable'
}

const headerOf = (answer: Answer, name: string): string => {
  const value = answer.headers[name]
  return typeof value === 'string' ? value : ''
}
