/**
 * Takes snapshots out of what is kept, by records of the log. Nothing is deleted by that: `prune.ts` finds what no kept
 * snapshot needs, and the server holds even that for a while.
 */
import { create } from '@bufbuild/protobuf'
import { demand } from '@anysync/protocol/errors.ts'
import { ForgetBodySchema, TagBodySchema, type ForgetBody } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { forgetSequencesMax, ruleBytesMax } from '@anysync/protocol/limits.ts'
import { anew } from './anew.ts'
import { describeRules, forgettable, type KeepRules } from './retention.ts'
import type { SnapshotInfo, Vault } from './vault-types.ts'

type Log = Pick<Vault, 'refresh' | 'snapshots' | 'append'>

/** Forgets what no rule keeps; how many. Decides anew when another device was faster. */
export const forget = async (vault: Log, rules: KeepRules): Promise<number> => {
  let forgotten = 0
  await vault.refresh()
  return anew(vault, async () => {
    const sequences = forgettable(vault.snapshots(), rules)
    for (let start = 0; start < sequences.length; start += forgetSequencesMax) {
      const page = sequences.slice(start, start + forgetSequencesMax)
      await vault.append(forgetBody(page, describeRules(rules)), { brought: [], retired: [] })
      forgotten += page.length
    }
    return forgotten
  })
}

/** The body of a record that forgets these snapshots, ascending. */
export const forgetBody = (sequences: number[], rule: string): ForgetBody =>
  create(ForgetBodySchema, { sequences: sequences.map(BigInt), rule: rule.slice(0, ruleBytesMax / 4) })

/** What a tag leaves as it is, is undefined. */
export type Tag = { label?: string; isPinned?: boolean }

/** Names or pins a snapshot. `missing` when it is not kept any more. */
export const tag = async (vault: Log, sequence: number, { label, isPinned }: Tag): Promise<SnapshotInfo> => {
  const find = (): SnapshotInfo => {
    const found = vault.snapshots().find((snapshot) => snapshot.sequence === sequence)
    demand(found !== undefined, 'vault.tag', 'missing', `snapshot ${sequence} is not kept any more`)
    return found
  }
  await vault.refresh()
  return anew(vault, async () => {
    const before = find()
    const said = { label: label ?? before.label, isPinned: isPinned ?? before.isPinned }
    const body = create(TagBodySchema, { sequence: BigInt(sequence), ...said })
    await vault.append(body, { brought: [], retired: [] })
    return find()
  })
}
