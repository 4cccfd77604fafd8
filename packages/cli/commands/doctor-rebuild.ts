/**
 * `anysync doctor --rebuild`: makes the state of this device anew when it is damaged or lost. The old one is kept beside,
 * the links are taken up again, and the index of each vault is built from the server's log, or from the packs alone where
 * its indexes are lost too. No file is touched: the next turn compares everything and settles.
 */
import type { Link, LogHead } from '@anysync/client/ports.ts'
import { areWhole } from '@anysync/client/vault/presence.ts'
import { writeCheckpoint } from '@anysync/client/vault/checkpoint.ts'
import type { Rebuilt, RebuildProgress } from '@anysync/client/vault/rebuild.ts'
import type { Vault } from '@anysync/client/vault/vault-types.ts'
import { demand, isTrouble } from '@anysync/protocol/errors.ts'
import { headFinding, type Finding } from '../findings.ts'
import { lockAccount } from '../homes.ts'
import { keepingParts } from '../keeping.ts'
import { exitCodes, type ExitCode } from '../output/fail.ts'
import { createOutput } from '../output/print.ts'
import { createProgress } from '../output/progress.ts'
import { counted, shown } from '../output/words.ts'
import { nodeClock } from '../ports/clock.ts'
import { examineState, salvageState, type Salvage } from '../ports/state-health.ts'
import { linksToTakeUp, type RelinkOptions } from '../relink.ts'
import { signedIn, type CommonOptions } from '../local.ts'
import { askVaults, listVaults, openNamed, openSession, remoteOf, type NamedVault, type Session } from '../session.ts'
import { setStateAside } from '../set-aside.ts'

export type RebuildOptions = CommonOptions & Pick<RelinkOptions, 'vault' | 'mode'>

type OnRebuild = (step: RebuildProgress) => void

/** `rebuilt`: null when the server's indexes were as they should be. */
type VaultReport = {
  vault: string
  vaultId: string
  sequence: number
  packs: number
  rebuilt: Rebuilt | null
  /** Whether every kept snapshot is whole; null when that was not in question. */
  isWhole: boolean | null
  /** Of a checkpoint that was written for the devices that begin later. */
  checkpoint: number | null
  /** What was seen before against what the server shows now; null when nothing is known of it. */
  head: Finding | null
}

export const rebuildState = async (folders: string[], options: RebuildOptions): Promise<ExitCode> => {
  const output = createOutput(options)
  const who = signedIn(options)
  const { account } = who
  using _lock = lockAccount(account)
  const health = examineState(account.stateFile)
  demand(
    health.found !== 'newer',
    'doctor.rebuild',
    'invalid',
    `${account.stateFile}: ${health.message}: update AnySync`,
  )
  const salvage: Salvage = health.found === 'missing' ? { links: null, heads: null } : salvageState(account.stateFile)
  // All that can be refused is, before anything is moved.
  const links = await linksFor(who, salvage, { ...options, folders })
  const kept = setStateAside(account.stateFile, nodeClock.nowNs())
  await using session = await openSession(options, false)
  session.state.transact(() => {
    for (const link of links) session.state.putLink(link)
  })
  using progress = createProgress(options)
  const vaults: VaultReport[] = []
  for (const named of await vaultsOf(session, links))
    vaults.push(await rebuildVault(session, named, salvage, (step) => progress.report(step)))
  progress[Symbol.dispose]()

  output.tell({ kept, folders: links.map(({ root, mode, vaultId }) => ({ folder: root, mode, vaultId })), vaults })
  for (const { root } of links) output.say(`linked again: ${shown(root)}`)
  for (const report of vaults) for (const line of linesOf(report)) output.say(line)
  output.say(kept === null ? 'there was no state database' : `the old state database is kept: ${kept}`)
  if (salvage.links === null)
    output.note(
      'the old state database does not tell which folders were linked: name others with `anysync doctor --rebuild`',
    )
  output.note('`anysync sync` or `anysync start` now compares every file; none was touched')
  const isWell = vaults.every(({ isWhole, head }) => isWhole !== false && head?.isWell !== false)
  return isWell ? exitCodes.done : exitCodes.failed
}

const linksFor = async (
  who: ReturnType<typeof signedIn>,
  { links }: Salvage,
  options: RelinkOptions,
): Promise<Link[]> => {
  await using remote = remoteOf(who)
  const { named } = await askVaults({ keys: who.keys, remote })
  return await linksToTakeUp(links ?? [], named, options)
}

/** Those that folders are linked to; of a device without folders all. */
const vaultsOf = async (session: Session, links: Link[]): Promise<NamedVault[]> => {
  const linked = new Set(links.map(({ vaultId }) => vaultId))
  return (await listVaults(session)).filter(({ info }) => linked.size === 0 || linked.has(info.vaultId))
}

const rebuildVault = async (
  session: Session,
  named: NamedVault,
  { heads }: Salvage,
  onProgress: OnRebuild,
): Promise<VaultReport> => {
  const vault = openNamed(session, named)
  const rebuilt = await followOrRebuild(vault, onProgress)
  const keeping = keepingParts({ session, vault })
  const isWhole = rebuilt === null ? null : await areWhole(keeping, vault.snapshots())
  // Or no device could begin with what is there.
  const checkpoint = isWhole === true ? await writeCheckpoint(keeping) : null
  const seen = heads?.get(vault.id)
  return {
    vault: vault.name,
    vaultId: vault.id,
    sequence: vault.head()?.sequence ?? 0,
    packs: session.state.packIds(vault.id).length,
    rebuilt,
    isWhole,
    checkpoint: checkpoint?.sequence ?? null,
    head: seen === undefined ? null : compare(session, vault, seen),
  }
}

/** The log as always; where that fails for what the server has lost, by what is left. */
const followOrRebuild = async (vault: Vault, onProgress: OnRebuild): Promise<Rebuilt | null> => {
  try {
    await vault.refresh()
    return null
  } catch (error) {
    if (!isTrouble(error, 'corrupt')) throw error
    return await vault.rebuild(onProgress)
  }
}

/** The record that was the newest must be in the log now; one before a checkpoint cannot be compared. */
const compare = ({ state }: Session, vault: Vault, seen: LogHead): Finding | null => {
  const head = vault.head()
  if (head === null || head.sequence < seen.sequence) return headFinding(vault.name, seen, head)
  const [record] = state.records(vault.id, seen.sequence, seen.sequence)
  return record === undefined ? null : headFinding(vault.name, seen, record)
}

const linesOf = ({ vault, sequence, packs, rebuilt, isWhole, checkpoint, head }: VaultReport): string[] => {
  const lines = [`${shown(vault)}: at record ${sequence}, ${counted(packs, 'pack')} in the index`]
  if (rebuilt !== null) {
    const read =
      rebuilt.packsRead === 0 ? '' : `, and ${counted(rebuilt.packsRead, 'pack')} said themselves what they hold`
    lines.push(
      `  an index on the server is lost: the whole log was read (${counted(rebuilt.records, 'record')})${read}`,
    )
    for (const { pack, message } of rebuilt.unreadable) lines.push(`  pack ${pack}: ${message}`)
  }
  if (checkpoint !== null)
    lines.push(`  every snapshot is whole: a new checkpoint (record ${checkpoint}) replaces the lost index`)
  if (isWhole === false)
    lines.push(
      '  NOT whole: some packs are lost. Sync the devices that have the files, then see `anysync verify` and `anysync verify --repair`',
    )
  if (head?.isWell === false) lines.push(`  ALARM: ${head.message}: ${head.advice ?? ''}`)
  return lines
}
