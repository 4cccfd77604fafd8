/**
 * What a person cannot see of an account on this device, one finding after another: each says what is looked at, whether
 * it is right, and what to do when it is not. Changes nothing, on this device or on the server.
 */
import { statSync } from 'node:fs'
import { checkMarker } from '@anysync/client/sync/guards.ts'
import { parseMasterKeys } from '@anysync/client/crypto/master-keys.ts'
import type { Me, State, VaultInfo } from '@anysync/client/ports.ts'
import { SyncError } from '@anysync/protocol/errors.ts'
import { clockSkewMsMax } from '@anysync/protocol/limits.ts'
import { clockFinding, headFinding, wellFinding, wrongFinding, type Finding } from './findings.ts'
import { unprovenSentence } from './folder-state.ts'
import { damagedMasterKeys, readMasterKeys, type SignedIn } from './homes.ts'
import { seeDaemon, unprovenOf } from './knowledge.ts'
import { counted, localTime, shown } from './output/words.ts'
import { nodeClock } from './ports/clock.ts'
import { openNodeDisk } from './ports/disk.ts'
import type { StateHealth } from './ports/state-health.ts'
import { sampledOf } from './sampled.ts'
import { vaultName } from './local.ts'
import { remoteOf } from './session.ts'
import { readSettings } from './settings/settings-file.ts'

/** The files of the account, without its state. */
export const examineFiles = async ({ account, keys }: SignedIn): Promise<Finding[]> => [
  await checked('access.keys', () => {
    const isPrivate = process.platform === 'win32' || (statSync(account.accessKeysFile).mode & 0o077) === 0
    if (!isPrivate) {
      const message = `other users of this computer can read ${account.accessKeysFile}: take that right from them (chmod 600), and revoke the device if they may have`
      throw new SyncError('doctor.keys', 'invalid', message)
    }
    return `device '${shown(keys.deviceName)}' of ${shown(keys.email)}`
  }),
  await checked('master.keys', () => {
    const bytes = readMasterKeys(account)
    if (bytes === null)
      throw new SyncError(
        'doctor.keys',
        'missing',
        `${account.masterKeysFile} is not there: log in again, the server keeps a copy`,
      )
    try {
      parseMasterKeys(bytes)
    } catch (error) {
      if (!(error instanceof SyncError) || error.kind !== 'corrupt') throw error
      throw new SyncError('doctor.keys', 'corrupt', damagedMasterKeys(account), error)
    }
    return 'whole'
  }),
  await checked('settings', () => {
    readSettings(account)
    return 'as they should be'
  }),
]

const rebuildAdvice = 'stop the daemon (`anysync stop`) and run `anysync doctor --rebuild`'

export const stateFinding = ({ found, message }: StateHealth, path: string): Finding => {
  const what = 'state database'
  switch (found) {
    case 'well':
      return wellFinding(what, message)
    case 'missing': {
      const advice = 'run `anysync doctor --rebuild`, followed by the folders that were linked'
      return wrongFinding(what, `${path} is not there`, advice)
    }
    case 'damaged':
      return wrongFinding(what, `damaged: ${message}`, `${rebuildAdvice}; no file is lost`)
    case 'newer':
      return wrongFinding(what, message, 'update this AnySync')
    case 'unreadable':
      return wrongFinding(what, message)
  }
}

export const examineFolders = async (state: State): Promise<Finding[]> => {
  const findings: Finding[] = []
  for (const link of state.links()) {
    const what = `folder ${shown(link.root)}`
    const name = shown(vaultName(state, link.vaultId))
    findings.push(
      await checked(what, async () => {
        await checkMarker(await openNodeDisk(link.root), link)
        return `carries the marker of its link to '${name}'`
      }),
    )
  }
  return findings
}

/** What the daemon's proofs found, by vault. */
export const examineProofs = (state: State): Finding[] =>
  [...new Set(state.links().map(({ vaultId }) => vaultId))].map((vaultId) => {
    const what = `proof of '${shown(vaultName(state, vaultId))}'`
    const unproven = unprovenOf(state, vaultId)
    if (unproven !== null) return wrongFinding(what, shown(unprovenSentence(unproven)))
    const timeNs = sampledOf(state, vaultId)?.timeNs ?? null
    const message = timeNs === null ? 'none yet: a running daemon makes one every day' : `well, ${localTime(timeNs)}`
    return wellFinding(what, message)
  })

export const examineDaemon = async ({ account }: SignedIn): Promise<Finding> => {
  const what = 'daemon'
  const { seen, status, trouble } = await seeDaemon(account)
  if (status === null)
    return seen === 'silent'
      ? wrongFinding(what, shown(trouble))
      : wellFinding(what, 'none runs: `anysync start` keeps folders in step')
  const paused = seen === 'paused' ? ', paused (`anysync resume`)' : ''
  return wellFinding(what, `runs since ${localTime(status.startedNs)}, process ${status.pid}${paused}`)
}

/** The server as it answers now, and what it shows of vaults against what this device has seen. `state`: null when it cannot be read. */
export const examineServer = async (signedIn: SignedIn, state: State | null): Promise<Finding[]> => {
  await using remote = remoteOf(signedIn)
  let me: Me
  let vaults: VaultInfo[]
  let beforeNs: bigint
  let afterNs: bigint
  try {
    beforeNs = nodeClock.nowNs()
    me = await remote.whoAmI()
    afterNs = nodeClock.nowNs()
    vaults = (await remote.listVaults()).vaults
  } catch (error) {
    return [failed('server', error)]
  }
  const message = `${signedIn.keys.serverUrl} is reached, and holds ${counted(vaults.length, 'vault')}`
  const linked = new Set(state?.links().map(({ vaultId }) => vaultId))
  const heads = vaults.flatMap(({ vaultId, head }) => {
    const seen = state?.head(vaultId) ?? null
    return state !== null && (seen !== null || linked.has(vaultId))
      ? [headFinding(`vault '${shown(vaultName(state, vaultId))}'`, seen, head)]
      : []
  })
  return [
    wellFinding('server', message),
    clockFinding({ beforeNs, afterNs, serverNs: me.timeNs, skewMsMax: clockSkewMsMax }),
    ...heads,
  ]
}

const checked = async (what: string, look: () => string | Promise<string>): Promise<Finding> => {
  try {
    return wellFinding(what, await look())
  } catch (error) {
    return failed(what, error)
  }
}

/** Messages of trouble say what to do. */
export const failed = (what: string, error: unknown): Finding => {
  if (!(error instanceof SyncError)) throw error
  return wrongFinding(what, shown(error.message))
}
