/**
 * What the body of a snapshot may be. Its packs' directories are checked when they are indexed.
 */
import { demand } from '@anysync/protocol/errors.ts'
import type { Content, SnapshotBody, Statistics } from '@anysync/protocol/gen/anysync/v1/format_pb.js'
import { toHex } from '@anysync/protocol/ids.ts'
import {
  appendPacksMax,
  deviceHeadsMax,
  deviceNameBytesMax,
  hashBytes,
  idBytes,
  snapshotLabelBytesMax,
  treeBytesMax,
} from '@anysync/protocol/limits.ts'
import { checkContent } from '../content/content.ts'
import { utf8 } from '../crypto/bytes.ts'
import { explain } from './explain.ts'
import { troubleOfTouched } from './touched.ts'

/** A body that `checkSnapshotBody` has seen: what must be there is there. */
export type CheckedSnapshotBody = SnapshotBody & { root: Content; statistics: Statistics }

/** What all bodies may say. */
type Common = Pick<SnapshotBody, 'deviceName' | 'deviceHeads'> &
  Partial<Pick<SnapshotBody, 'label' | 'packs' | 'indexPacks'>>

/** Throws `corrupt` unless this is a body that a writer makes for the record of this number. */
export function checkSnapshotBody(body: SnapshotBody, sequence: number): asserts body is CheckedSnapshotBody {
  const refuseUnless = (fact: boolean, why: string): void =>
    demand(fact, 'record.open', 'corrupt', `the body of record ${sequence} is damaged: ${why}`)
  refuseUnless(body.root !== undefined, 'it has no root')
  checkRoot(body.root, sequence)
  refuseUnless(body.statistics !== undefined, 'it has no statistics')
  const trouble = body.touched === undefined ? null : troubleOfTouched(body.touched)
  refuseUnless(trouble === null, `${trouble}`)
  checkCommon(body, sequence)
}

/** Throws `corrupt` for what no body may say, of whatever kind the record is. */
export const checkCommon = (body: Common, sequence: number): void => {
  const refuseUnless = (fact: boolean, why: string): void =>
    demand(fact, 'record.open', 'corrupt', `the body of record ${sequence} is damaged: ${why}`)
  refuseUnless(utf8(body.deviceName).length <= deviceNameBytesMax, 'the name of its device is too long')
  refuseUnless(utf8(body.label ?? '').length <= snapshotLabelBytesMax, 'its label is too long')
  const packs = [...(body.packs ?? []), ...(body.indexPacks ?? [])]
  refuseUnless(packs.length <= appendPacksMax, `${packs.length} packs are too many`)
  for (const { pack } of packs) refuseUnless(pack.length === hashBytes, `the name of a pack is ${pack.length} bytes`)
  refuseUnless(body.deviceHeads.length <= deviceHeadsMax, `${body.deviceHeads.length} devices are too many`)
  const seen = new Set<string>()
  for (const head of body.deviceHeads) {
    const id = toHex(head.deviceId)
    refuseUnless(head.deviceId.length === idBytes && !seen.has(id), 'it names a device twice, or none')
    seen.add(id)
  }
}

export const checkRoot = (root: Content | undefined, sequence: number): void => {
  if (root === undefined) return
  const isFitting = root.size <= BigInt(treeBytesMax)
  demand(isFitting, 'record.open', 'corrupt', `the root folder of record ${sequence} has a tree of ${root.size} bytes`)
  explain('record.open', `the root of record ${sequence} is damaged`, () => checkContent(root))
}
