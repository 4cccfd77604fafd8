/**
 * `anysync log`: what was done in linked folders, newest first, and why.
 */
import type { Action } from '@anysync/client/action.ts'
import type { Link } from '@anysync/client/ports.ts'
import { actionsMax } from '@anysync/protocol/limits.ts'
import { findLinked, pickLinks } from '../folders.ts'
import { UsageError } from '../output/fail.ts'
import { createOutput, table } from '../output/print.ts'
import { isoTime, localTime, shown } from '../output/words.ts'
import { openLocal, type CommonOptions } from '../local.ts'

export type LogOptions = CommonOptions & { limit: string }

export const log = async (path: string | undefined, options: LogOptions): Promise<void> => {
  const output = createOutput(options)
  const limit = parseLimit(options.limit)
  await using local = await openLocal(options, false)
  const { state } = local
  const within = path === undefined ? null : (findLinked(state, path)?.path ?? null)
  const query = { limit, ...(within === null || within === '' ? {} : { path: within }) }
  const told = pickLinks(state, path)
    .flatMap((link) => state.actions(link.id, query).map((action) => ({ link, action })))
    .sort((a, b) => Number(b.action.timeNs - a.action.timeNs))
    .slice(0, limit)
  output.tell({ actions: told.map(documentOf) })
  if (told.length === 0) output.say('nothing was done yet')
  const roots = new Set(told.map(({ link }) => link.root))
  const rows = told.map(({ link, action: { timeNs, path, what, why } }) => [
    localTime(timeNs),
    what.replaceAll('-', ' '),
    `${placeOf(link, path, roots.size > 1)}${why}`,
  ])
  for (const line of table(rows)) output.say(line)
}

/** Nothing for the vault itself where only one is told of. */
const placeOf = ({ root }: Link, path: string, isOfSeveral: boolean): string => {
  const place = [...(isOfSeveral ? [root] : []), ...(path === '' ? [] : [path])].join('/')
  return place === '' ? '' : `${shown(place)}: `
}

const documentOf = ({ link, action: { timeNs, ...action } }: { link: Link; action: Action }) => ({
  time: isoTime(timeNs),
  folder: link.root,
  ...action,
})

const parseLimit = (text: string): number => {
  const limit = Number(text)
  if (/^\d+$/.test(text) && limit >= 1 && limit <= actionsMax) return limit
  throw new UsageError(`--limit is a whole number from 1 to ${actionsMax}`)
}
