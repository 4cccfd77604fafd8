/**
 * Applies the rules of what is kept when that is due: for the daemon, before a turn. Notes when it did, and what came of
 * it for the log of actions. Nothing is deleted by it: `anysync prune` frees space.
 */
import { fractionOf } from '@anysync/client/fraction.ts'
import type { Chance, Clock, Link, State } from '@anysync/client/ports.ts'
import { alarmOf, waitingOf } from '@anysync/client/sync/facts.ts'
import { forget } from '@anysync/client/vault/forget.ts'
import { isRetentionDue, nextRetentionNs } from '@anysync/client/vault/retention-due.ts'
import { describeRules, type KeepRules } from '@anysync/client/vault/retention.ts'
import type { Vault } from '@anysync/client/vault/vault-types.ts'
import { counted } from './output/words.ts'
import { noteRetained, retainedOf } from './retained.ts'

export type RetainParts = {
  state: State
  link: Link
  vault: Pick<Vault, 'refresh' | 'snapshots' | 'append'>
  clock: Pick<Clock, 'nowNs'>
  chance: Chance
  /** Null: everything is kept. */
  rules: KeepRules | null
}

/** Throws as `forget` does, and then tries again the next time that it is asked. */
export const retainWhenDue = async ({ state, link, vault, clock, chance, rules }: RetainParts): Promise<void> => {
  if (rules === null) return
  const nowNs = clock.nowNs()
  const nextNs = retainedOf(state, link.vaultId)?.nextNs ?? null
  const isCalm = alarmOf(state, link.id) === null && waitingOf(state, link.id) === null
  if (!isRetentionDue({ nowNs, nextNs, isCalm })) return
  const forgotten = await forget(vault, rules)
  const next = nextRetentionNs(nowNs, fractionOf(chance))
  noteRetained(state, link.vaultId, { timeNs: nowNs, nextNs: next, forgotten })
  if (forgotten === 0) return
  const why = `${counted(forgotten, 'old snapshot')}, by ${describeRules(rules)}`
  state.addActions(link.id, [{ timeNs: nowNs, path: '', what: 'forgotten', why }])
}
