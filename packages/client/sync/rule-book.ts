/**
 * The rules of a linked folder as they are now: the person's settings, and `.anysyncignore` as the disk holds it. Asked
 * at every turn, so what has not changed is not read or compiled again.
 */
import { isSameStat } from '../disk-stat.ts'
import type { Disk, DiskStat } from '../ports.ts'
import { ignoreFileName, readIgnoreText } from './ignore-file.ts'
import { compileRules, type RuleParts, type Rules } from './rules.ts'

export type RuleSource = Omit<RuleParts, 'ignoreText'>

/** Gives the rules as of now. Throws as `readIgnoreText` does. */
export const createRuleBook = (disk: Disk, source: () => RuleSource): (() => Promise<Rules>) => {
  let seen: { stat: DiskStat | null; text: string | null } | null = null
  let compiled: { key: string; rules: Rules } | null = null
  return async () => {
    const stat = await disk.lstat(ignoreFileName)
    const isSame =
      seen !== null && (stat === null || seen.stat === null ? stat === seen.stat : isSameStat(stat, seen.stat))
    if (seen === null || !isSame) seen = { stat, text: await readIgnoreText(disk) }
    const parts = { ...source(), ignoreText: seen.text }
    const key = JSON.stringify(parts)
    if (compiled?.key !== key) compiled = { key, rules: compileRules(parts) }
    return compiled.rules
  }
}
