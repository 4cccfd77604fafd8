/** What tests of a vault's log share: files to add, all that a state keeps, servers that spoil records, and forged ones. */
import type { SnapshotBody } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { nodeIdFromBytes, rootNodeId } from '@anysync/protocol/ids.ts'
import { utf8 } from '../crypto/bytes.ts'
import type { MemoryState } from '../memory/state.ts'
import type { LogHead, Remote } from '../ports.ts'
import { deviceHeadsFact } from './device-heads.ts'
import { sealRecord, type Signer } from './record.ts'
import { cipher, fileOf } from './vault.suite.ts'
import type { Vault } from './vault-types.ts'
import { push, type VaultWorld } from './world.suite.ts'

export const addFile = async (vault: Vault, number: number) => {
  const node = fileOf(number, `file ${number}`, await vault.writeFile(utf8(`the bytes of file ${number}`)))
  return push(vault, [{ id: nodeIdFromBytes(node.id), from: null, to: { parent: rootNodeId, node } }])
}

/** Everything that a state would keep of the vault, to see that nothing changed. */
export const kept = (state: MemoryState, world: VaultWorld) => ({
  records: [...state.records(world.vaultId, 1, 1000)],
  chunks: state.countChunks(world.vaultId),
  heads: state.fact(world.vaultId, deviceHeadsFact),
})

/** The records as a server shows them, after something was done to them. */
export const showing = (remote: Remote, spoil: (records: Uint8Array[]) => Uint8Array[]): Remote => ({
  ...remote,
  async *recordsSince(vaultId, sequence) {
    const records = await Array.fromAsync(remote.recordsSince(vaultId, 0))
    yield* spoil(records).slice(sequence)
  },
})

export const signerOf = (world: VaultWorld, device: number): Signer => ({
  signingSeed: world.keys[device]!.signingSeed,
  certificate: world.keys[device]!.deviceCertificate!,
})

/** Appends a record that a device made by other means than ours. */
export const forge = async (
  world: VaultWorld,
  previous: LogHead | null,
  body: SnapshotBody,
  signer = signerOf(world, 1),
) => {
  const { keys } = world.open(0).vault
  const { bytes, head } = sealRecord({ cipher, keys, signer }, previous, body)
  await world.remote(1).append(world.vaultId, previous, bytes, [])
  return head
}
