/**
 * `anysync status`: how each linked folder, or one path in it, stands at this moment, and why. Asks the daemon when one
 * runs, and no server.
 */
import type { Disk, Link, State } from '@anysync/client/ports.ts'
import { facts } from '@anysync/client/sync/facts.ts'
import { describeRules, type KeepRules } from '@anysync/client/vault/retention.ts'
import { SyncError } from '@anysync/protocol/errors.ts'
import {
  folderState,
  unprovenSentence,
  type FolderKnowledge,
  type FolderState,
  type FolderWord,
} from '../folder-state.ts'
import { findLinked, pickLink, pickLinks } from '../folders.ts'
import { folderRules } from '../folder-rules.ts'
import type { AccountHome } from '../homes.ts'
import { knowFolder, knowPath, seeDaemon, type PathParts, type SeenDaemon } from '../knowledge.ts'
import { incarnationChangedNs } from '../incarnation.ts'
import { createOutput, table, type Output } from '../output/print.ts'
import { progressLine } from '../output/progress.ts'
import { counted, formatBytes, isoTime, localTime, shown } from '../output/words.ts'
import { pathState, percentOf } from '../path-state.ts'
import { nodeClock } from '../ports/clock.ts'
import { openNodeDisk } from '../ports/disk.ts'
import { provenOf } from '../proven.ts'
import { retainedOf } from '../retained.ts'
import { sampledOf, type Sampled } from '../sampled.ts'
import { openLocal, signedIn, vaultName, type CommonOptions, type Local } from '../local.ts'
import { settingsOfFolder, type Settings } from '../settings/settings.ts'
import { settingsReader } from '../settings/settings-file.ts'

export const status = async (path: string | undefined, options: CommonOptions): Promise<void> => {
  const output = createOutput(options)
  const daemon = await seeDaemon(signedIn(options).account)
  await using local = await openLocal(options, false)
  const { keys, state } = local
  if (path !== undefined && !isLinkedRoot(state, path)) {
    await tellPath(local, daemon, path, output)
    return
  }
  sayDaemon(daemon, output)
  const changedNs = incarnationChangedNs(state)
  if (changedNs !== null) output.say(wasPutBack(changedNs))
  const settings = settingsReader(local.account)
  const folders: object[] = []
  const links = path === undefined && state.links().length === 0 ? [] : pickLinks(state, path)
  if (links.length === 0) output.say('no folder is linked: link one with `anysync add FOLDER --vault NAME`')
  for (const link of links) {
    const known = await knowFolder(state, await openNodeDisk(link.root), link, daemon)
    const found = folderState(known)
    const kept = keptOf(state, settings, link)
    folders.push({ ...documentOf(state, link, known, found), history: kept.document })
    for (const line of linesOf(state, link, known, found, kept.line)) output.say(line)
  }
  const serverChanged = changedNs === null ? null : isoTime(changedNs)
  output.tell({ email: keys.email, server: keys.serverUrl, serverChanged, daemon: daemonDocument(daemon), folders })
}

/** As many paths with trouble as people are shown at once. */
const troublesShownMax = 20

const phrases: Record<FolderWord, string> = {
  'up-to-date': 'up to date',
  'in-step': 'in step',
  syncing: 'syncing',
  waiting: 'waiting for you',
  stopped: 'STOPPED',
  paused: 'paused',
  offline: 'not connected',
  damaged: 'DAMAGED',
  troubled: 'in step but for what is named below',
  unwatched: 'in step, but not watched',
  'not-in-step': 'not in step',
  'never-synced': 'not synced yet',
}

const wasPutBack = (seenNs: bigint): string =>
  `the server says that it was put back from a backup (seen ${localTime(seenNs)}): nothing is deleted by that, and what ` +
  'it lost is uploaded again; `anysync confirm` when you know of it'

const isLinkedRoot = (state: State, typed: string): boolean => {
  const linked = findLinked(state, typed)
  return linked === null ? pickLink(state, typed) !== null : linked.path === ''
}

const sayDaemon = ({ seen, status, trouble }: SeenDaemon, output: Output): void => {
  if (status !== null) {
    const paused = status.isPaused ? ', paused (`anysync resume`)' : ''
    output.say(`the daemon runs since ${localTime(status.startedNs)}, process ${status.pid}${paused}`)
  } else output.say(seen === 'silent' ? shown(trouble) : 'no daemon runs: `anysync start` keeps folders in step')
}

const daemonDocument = ({ seen, status, trouble }: SeenDaemon) => ({
  state: seen,
  pid: status?.pid ?? null,
  since: status === null ? null : isoTime(status.startedNs),
  ...(trouble === '' ? {} : { trouble }),
})

const scannedNs = (state: State, link: Link): bigint | null => {
  const fact = state.fact(link.id, facts.scanned)
  return fact === null ? null : BigInt(fact)
}

const documentOf = (state: State, link: Link, known: FolderKnowledge, found: FolderState) => {
  const { live, report, waiting, headSequence, lastTrouble } = known
  const scanNs = scannedNs(state, link)
  const proven = provenOf(state, link.vaultId)
  return {
    folder: link.root,
    vault: vaultName(state, link.vaultId),
    vaultId: link.vaultId,
    mode: link.mode,
    ...found,
    sequence: headSequence,
    files: state.totals(link.id).files,
    lastTurn: report === null ? null : isoTime(report.timeNs),
    lastScan: scanNs === null ? null : isoTime(scanNs),
    lastProven: proven === null ? null : { time: isoTime(proven.timeNs), share: proven.share },
    lastSampled: sampleDocument(sampledOf(state, link.vaultId), known),
    progress: live?.progress ?? null,
    watcher: live?.watcher ?? null,
    server: live?.server ?? null,
    areRootsSame: live?.areRootsSame ?? null,
    alarm: known.alarm === null ? null : { time: isoTime(known.alarm.timeNs), message: known.alarm.message },
    waiting,
    lastTrouble: lastTrouble === null ? null : { kind: lastTrouble.kind, message: lastTrouble.message },
    troubles: report?.troubles ?? [],
  }
}

/** By which rules (null: the settings cannot be read) the daemon of this device forgets old snapshots of the vault, and when it last did. */
const keptOf = (state: State, settings: () => Settings, link: Link): { line: string; document: object } => {
  const last = retainedOf(state, link.vaultId)
  const applied = { applied: last && isoTime(last.timeNs), forgotten: last?.forgotten ?? null }
  let retention: KeepRules | null
  try {
    retention = settingsOfFolder(settings(), link.root).retention
  } catch (error) {
    if (!(error instanceof SyncError)) throw error
    return { line: error.message, document: { rules: null, ...applied } }
  }
  const rules = retention === null ? 'off' : describeRules(retention)
  const document = { rules, ...applied }
  if (retention === null) return { line: 'everything', document }
  const when = last === null ? 'not applied yet' : `applied ${localTime(last.timeNs)}, ${last.forgotten} forgotten`
  return { line: `${rules} (${when})`, document }
}

const linesOf = (state: State, link: Link, known: FolderKnowledge, found: FolderState, kept: string): string[] => {
  const { live, report, headSequence } = known
  const name = vaultName(state, link.vaultId)
  const reason = found.reason === '' ? '' : `: ${shown(found.reason)}`
  const troubles = report?.troubles ?? []
  const more = troubles.length - troublesShownMax
  return [
    `${shown(link.root)} — ${shown(name)}: ${phrases[found.state]}${reason}`,
    ...progressLines(known),
    ...table([
      ['vault at', headSequence === 0 ? 'nothing yet' : `snapshot ${headSequence}`],
      ['here', counted(state.totals(link.id).files, 'file')],
      ['last turn', report === null ? 'never' : localTime(report.timeNs)],
      ['last full look', timeOrNever(scannedNs(state, link))],
      ['history kept', shown(kept)],
      ['proven whole', timeOrNever(provenOf(state, link.vaultId)?.timeNs ?? null)],
      ['proven by sample', sampleLine(sampledOf(state, link.vaultId))],
      ...(live === null
        ? []
        : [
            ['watching', live.watcher.isHealthy ? 'yes' : `no: ${shown(live.watcher.message)}`],
            ['server', live.server.isReached ? 'reached' : `not reached: ${shown(live.server.message)}`],
            ['same root as the vault', live.areRootsSame ? 'yes' : 'no'],
          ]),
    ]).map((line) => `  ${line}`),
    // What the word and the reason may not say at this moment.
    ...(known.unproven === null || found.state === 'damaged' ? [] : [`  ${shown(unprovenSentence(known.unproven))}`]),
    ...troubles.slice(0, troublesShownMax).map(({ path, message }) => `  ${shown(path)}: ${shown(message)}`),
    ...(more > 0 ? [`  and ${counted(more, 'path')} more`] : []),
  ]
}

const sampleLine = (sampled: Sampled | null): string => {
  if (sampled === null) return 'never: a running daemon does it once a day'
  const { timeNs, packs, packsRead, bytesRead, sequence } = sampled
  return `${localTime(timeNs)}, ${formatBytes(bytesRead)} in ${packsRead} of ${counted(packs, 'pack')}, at record ${sequence}`
}

/** `isWell`: nothing failed, or what failed has been seen to. */
const sampleDocument = (sampled: Sampled | null, { unproven }: FolderKnowledge) =>
  sampled === null ? null : { ...sampled, timeNs: undefined, time: isoTime(sampled.timeNs), isWell: unproven === null }

const timeOrNever = (timeNs: bigint | null): string => (timeNs === null ? 'never' : localTime(timeNs))

const progressLines = ({ live }: FolderKnowledge): string[] => {
  if (live?.progress === null || live?.progress === undefined) return []
  const { current, bytesPerSecond, ...step } = live.progress
  const files = current.map((file) => `  ${shown(file.path)}: ${percentOf(file)} %`)
  return [`  ${progressLine(step, bytesPerSecond)}`, ...files]
}

/** Why this device leaves a path out; null when it does not. */
const exclusions = async (disk: Disk, link: Link, account: AccountHome): Promise<PathParts['exclusionOf']> => {
  const rules = await folderRules(disk, link.root, settingsReader(account))()
  return (path, stat) => {
    if (stat === null || stat.kind === 'other') return null
    return rules.refuse(path, stat.kind, stat.kind === 'file' ? stat : null, nodeClock.nowNs())?.message ?? null
  }
}

const tellPath = async (
  { state, account }: Local,
  daemon: SeenDaemon,
  typed: string,
  output: Output,
): Promise<void> => {
  const linked = findLinked(state, typed)
  if (linked === null) return
  const { link, path } = linked
  const disk = await openNodeDisk(link.root)
  const known = await knowFolder(state, disk, link, daemon)
  const folder = folderState(known)
  // A folder that is not there has no rules of its own to read.
  const exclusionOf = folder.state === 'stopped' ? () => null : await exclusions(disk, link, account)
  const found = pathState(await knowPath({ state, disk, link, known, folder, exclusionOf }, path))
  output.tell({ folder: link.root, vault: vaultName(state, link.vaultId), path, ...found })
  output.say(
    `${shown(path)}: ${found.state.replaceAll('-', ' ')}${found.reason === '' ? '' : `: ${shown(found.reason)}`}`,
  )
}
