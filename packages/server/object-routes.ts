/**
 * Packs over plain HTTP: bodies stream from the socket to the store and back, and are never held whole.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { demand } from '@anysync/protocol/errors.ts'
import { parsePackId, parseVaultId, type PackId, type VaultId } from '@anysync/protocol/ids.ts'
import { KiB } from '@anysync/protocol/limits.ts'
import { blocksOf } from './blocks.ts'
import { deviceOf } from './caller.ts'
import type { Log } from './log.ts'
import type { Objects } from './objects.ts'
import { parseRange } from './range.ts'
import { sendPieces } from './send-pieces.ts'

const path = '/objects/:vault/:pack'

const blockBytes = 512 * KiB

type Params = { vault: string; pack: string }
type Request = FastifyRequest<{ Params: Params }>

export const objectRoutes =
  (objects: Objects, log: Log) =>
  (app: FastifyInstance, _options: object, done: () => void): void => {
    app.removeAllContentTypeParsers()
    app.addContentTypeParser('*', (_request, _payload, done) => done(null))

    app.put(path, async (request: Request, reply) => {
      const { vaultId, pack } = placeOf(request)
      const length = lengthOf(request)
      const body = blocksOf(request.raw, blockBytes)
      const how = await objects.put(deviceOf(request).userId, vaultId, pack, body, length)
      return reply.code(how === 'stored' ? 201 : 200).send()
    })

    app.get(path, async (request: Request, reply) => {
      const { vaultId, pack } = placeOf(request)
      const length = await objects.length(deviceOf(request).userId, vaultId, pack)
      const range = parseRange(request.headers.range, length)
      const stream = await objects.read(vaultId, pack, range)
      if (range !== null) reply.header('content-range', `bytes ${range.first}-${range.last}/${length}`)
      const bytes = range === null ? length : range.last - range.first + 1
      try {
        await sendPieces(describe(reply, bytes).code(range === null ? 200 : 206), stream, bytes)
      } catch (error) {
        // The answer is under way: nobody else hears of it.
        log.error({ request: request.id, route: path, err: error }, 'a download broke off')
      }
    })

    app.head(path, async (request: Request, reply) => {
      const { vaultId, pack } = placeOf(request)
      const length = await objects.length(deviceOf(request).userId, vaultId, pack)
      return describe(reply, length).send()
    })
    done()
  }

const placeOf = (request: Request): { vaultId: VaultId; pack: PackId } => ({
  vaultId: parseVaultId(request.params.vault),
  pack: parsePackId(request.params.pack),
})

const lengthOf = (request: Request): number => {
  const text = request.headers['content-length']
  demand(
    text !== undefined && /^\d{1,15}$/.test(text),
    'object.put',
    'invalid',
    'an upload needs a Content-Length header with the number of bytes',
  )
  return Number(text)
}

const describe = (reply: FastifyReply, length: number): FastifyReply =>
  reply
    .header('content-type', 'application/octet-stream')
    .header('content-length', length)
    .header('accept-ranges', 'bytes')
    .header('cache-control', 'private, max-age=31536000, immutable')
