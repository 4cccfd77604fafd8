/**
 * The Remote over the network: Connect over HTTP/2 for calls, plain HTTP/1.1 for packs, on one port.
 */
import { createClient } from '@connectrpc/connect'
import type { LogHead, Remote, StoredPack } from '@anysync/client/ports.ts'
import { demand } from '@anysync/protocol/errors.ts'
import { Account } from '@anysync/protocol/gen/anysync/v1/account_pb.js'
import { Object$ as ObjectService } from '@anysync/protocol/gen/anysync/v1/object_pb.js'
import { Vault } from '@anysync/protocol/gen/anysync/v1/vault_pb.js'
import { idToBytes, packIdFromBytes, type PackId } from '@anysync/protocol/ids.ts'
import { callMsMax, existingPacksMax, packBytesMax, streamIdleMsMax, vaultPacksMax } from '@anysync/protocol/limits.ts'
import {
  parseAnswer,
  parseAppended,
  parseMe,
  parseNews,
  parsePage,
  parseRecord,
  parseVaults,
  sequenceOf,
} from './answers.ts'
import { callsTo } from './call.ts'
import type { ServerAddress } from './link.ts'
import { networkTrouble } from './network-trouble.ts'
import { getPack, packLength, putPack } from './packs.ts'
import type { Trust } from './pin.ts'
import { retry, retryStream } from './retry.ts'
import { patiently } from './streams.ts'
import { openLine, type LineOptions } from './transport.ts'

/** The Remote of a device's token. Disposing it closes its connections; watches end with `unavailable`. */
export const openRemote = (
  server: ServerAddress,
  trust: Trust,
  token: Uint8Array,
  lineOptions: LineOptions = {},
): Remote & AsyncDisposable => {
  const line = openLine(server, trust, token, lineOptions)
  const account = createClient(Account, line.transport)
  const vault = createClient(Vault, line.transport)
  const object = createClient(ObjectService, line.transport)
  const options = { timeoutMs: callMsMax }

  /** One attempt. */
  const call = callsTo(server)

  async function* stream<Message, Item>(
    operation: string,
    signal: AbortSignal,
    open: (signal: AbortSignal) => AsyncIterable<Message>,
    parse: (message: Message) => Item,
  ): AsyncGenerator<Item, void, undefined> {
    try {
      for await (const message of patiently(operation, streamIdleMsMax, signal, open)) {
        yield parseAnswer(operation, () => parse(message))
      }
    } catch (error) {
      throw networkTrouble(operation, server, error)
    }
  }

  return {
    whoAmI: () => retry(line, () => call('account.whoAmI', () => account.whoAmI({}, options), parseMe)),

    // Not repeated: the second would find the token revoked.
    logout: () =>
      call(
        'account.logout',
        () => account.logout({}, options),
        () => {},
      ),

    createVault: (vaultId, grant) =>
      retry(line, () =>
        call(
          'vault.create',
          () => vault.createVault({ vaultId: idToBytes(vaultId), grant }, options),
          () => {},
        ),
      ),

    listVaults: () => retry(line, () => call('vault.list', () => vault.listVaults({}, options), parseVaults)),

    append: (vaultId, expected, record, packs, retired = []) =>
      retry(line, () =>
        call(
          'vault.append',
          () =>
            vault.append(
              {
                vaultId: idToBytes(vaultId),
                expected: headMessage(expected),
                record,
                packs: packs.map(idToBytes),
                retired: retired.map(idToBytes),
              },
              options,
            ),
          parseAppended,
        ),
      ),

    // A log has no gaps, so a stream that broke goes on after the records that arrived.
    recordsSince: (vaultId, sequence, isFromCheckpoint = false) => {
      // Where a stream begins that begins with a checkpoint, its first record tells.
      let after = sequence
      let isBegun = !isFromCheckpoint
      return retryStream(line, (count) =>
        stream(
          'vault.recordsSince',
          line.closed,
          (signal) =>
            vault.recordsSince(
              {
                vaultId: idToBytes(vaultId),
                sequence: BigInt(after + count),
                isFromCheckpoint: !isBegun,
              },
              { signal, timeoutMs: 0 },
            ),
          (answer) => {
            const record = parseRecord(answer)
            if (!isBegun) after = sequenceOf(record) - 1
            isBegun = true
            return record
          },
        ),
      )
    },

    watch: async function* (signal) {
      if (signal.aborted) return
      const either = AbortSignal.any([signal, line.closed])
      try {
        const news = stream('vault.watch', either, (signal) => vault.watch({}, { signal, timeoutMs: 0 }), parseNews)
        for await (const item of news) if (item !== null) yield item
      } catch (error) {
        if (!signal.aborted) throw error
      }
    },

    existingPacks: async (vaultId, packs) => {
      const existing = new Map<PackId, StoredPack>()
      for (let from = 0; from === 0 || from < packs.length; from += existingPacksMax) {
        const asked = packs.slice(from, from + existingPacksMax)
        const found = await retry(line, () =>
          call(
            'pack.existing',
            () => object.existing({ vaultId: idToBytes(vaultId), packs: asked.map(idToBytes) }, options),
            (answer) => ({ packs: answer.packs.map(packIdFromBytes), retired: answer.retired.map(packIdFromBytes) }),
          ),
        )
        const isAsked = new Set(asked)
        const isRetired = new Set(found.retired)
        for (const pack of found.packs)
          if (isAsked.has(pack)) existing.set(pack, isRetired.has(pack) ? 'retired' : 'kept')
      }
      return existing
    },

    packsInUse: async (vaultId) => {
      const packs: PackId[] = []
      for (;;) {
        const last = packs.at(-1)
        const after = last === undefined ? new Uint8Array() : idToBytes(last)
        const page = await retry(line, () =>
          call(
            'pack.inUse',
            () => object.inUse({ vaultId: idToBytes(vaultId), after }, options),
            (answer) => parsePage(answer, last ?? null),
          ),
        )
        if (page.length === 0) return packs
        packs.push(...page)
        const isInBounds = packs.length <= vaultPacksMax
        demand(isInBounds, 'pack.inUse', 'corrupt', `the server tells of more than ${vaultPacksMax} packs`)
      }
    },

    putPack: async (vaultId, pack, bytes) => {
      const isInBounds = bytes.length > 0 && bytes.length <= packBytesMax
      demand(isInBounds, 'pack.put', 'invalid', `a pack is 1 to ${packBytesMax} bytes, got ${bytes.length}`)
      await putPack(line, vaultId, pack, bytes)
    },
    getPack: (vaultId, pack, offset, length, memory) => getPack(line, vaultId, pack, offset, length, memory),
    packLength: (vaultId, pack) => packLength(line, vaultId, pack),

    [Symbol.asyncDispose]: () => line[Symbol.asyncDispose](),
  }
}

const headMessage = (head: LogHead | null) => ({
  sequence: BigInt(head?.sequence ?? 0),
  hash: head === null ? new Uint8Array() : idToBytes(head.hash),
})
