import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LiveFolder } from './daemon/wire.ts'
import { folderState, type FolderKnowledge } from './folder-state.ts'

const live: LiveFolder = {
  linkId: 'link',
  activity: 'idle',
  progress: null,
  watcher: { isHealthy: true, message: '' },
  server: { isReached: true, message: '' },
  lastFullScanNs: 1n,
  lastTrouble: null,
  areRootsSame: true,
  isUpToDate: true,
}
const report = { timeNs: 1n, isSettled: true, sequence: 3, troubles: [] }
const perfect: FolderKnowledge = {
  daemon: 'running',
  live,
  alarm: null,
  rootTrouble: null,
  waiting: null,
  isConfirmed: false,
  report,
  lastTrouble: null,
  unproven: null,
  headSequence: 3,
}
const alone: Partial<FolderKnowledge> = { daemon: 'none', live: null }
const trouble = (kind: 'unavailable' | 'unauthorized' | 'full' | 'corrupt', message: string) => ({
  timeNs: 1n,
  kind,
  message,
})
const withLive = (more: Partial<LiveFolder>): Partial<FolderKnowledge> => ({ live: { ...live, ...more } })
const path = (kind: 'failed' | 'skipped' | 'excluded' | 'not-here') => ({ path: 'a', kind, message: 'why' })

const table: [seen: string, known: Partial<FolderKnowledge>, state: string, reason: RegExp][] = [
  ['all is well', {}, 'up-to-date', /^$/],
  ['no daemon', alone, 'in-step', /as of the last turn; no daemon runs/],
  ['a daemon that is silent', { daemon: 'silent', live: null }, 'in-step', /does not answer/],
  ['a daemon that does not follow it', { live: null }, 'not-in-step', /does not follow this folder/],
  ['an alarm', { alarm: { timeNs: 1n, message: 'the server went back' } }, 'stopped', /^ALARM .*went back.*confirm/],
  ['an alarm, paused', { daemon: 'paused', alarm: { timeNs: 1n, message: 'x' } }, 'stopped', /^ALARM/],
  ['the root is gone', { rootTrouble: 'the folder is gone' }, 'stopped', /the folder is gone/],
  ['the root is gone, no daemon', { ...alone, rootTrouble: 'the folder is gone' }, 'stopped', /gone/],
  ['a full disk', withLive({ lastTrouble: trouble('full', 'the disk is full') }), 'stopped', /the disk is full/],
  ['a lying server', withLive({ lastTrouble: trouble('corrupt', 'does not verify') }), 'stopped', /does not verify/],
  ['a revoked token', withLive({ lastTrouble: trouble('unauthorized', 'no such token') }), 'stopped', /anysync login/],
  ['a revoked token, no daemon', { ...alone, lastTrouble: trouble('unauthorized', 'no') }, 'stopped', /anysync login/],
  ['trouble that a daemon got over', { lastTrouble: trouble('full', 'full') }, 'up-to-date', /^$/],
  [
    'deletions wait',
    { waiting: { deletions: 30, scrambled: 0, files: 40 } },
    'waiting',
    /^30 deletions of 40 files .*anysync confirm/,
  ],
  [
    'deletions wait, paused',
    { daemon: 'paused', waiting: { deletions: 3, scrambled: 0, files: 4 } },
    'waiting',
    /confirm/,
  ],
  ['deletions confirmed', { waiting: { deletions: 3, scrambled: 0, files: 4 }, isConfirmed: true }, 'up-to-date', /^$/],
  [
    'a daily proof that failed',
    { unproven: { timeNs: 1n, packs: 2, message: 'pack 1 is lost' } },
    'damaged',
    /^ALARM of .* 2 packs .*pack 1 is lost.*anysync verify --repair/,
  ],
  ['a turn runs', withLive({ activity: 'turning' }), 'syncing', /^$/],
  ['the daemon starts', withLive({ activity: 'starting', isUpToDate: false }), 'syncing', /everything is looked at/],
  ['paused', { daemon: 'paused', ...withLive({ activity: 'paused' }) }, 'paused', /anysync resume/],
  [
    'no server',
    withLive({ server: { isReached: false, message: 'the server is away' }, isUpToDate: false }),
    'offline',
    /the server is away; it is tried again by itself/,
  ],
  [
    'a turn that failed',
    withLive({ lastTrouble: trouble('unavailable', 'busy') }),
    'offline',
    /busy; it is tried again/,
  ],
  ['no server, no daemon', { ...alone, lastTrouble: trouble('unavailable', 'away') }, 'not-in-step', /failed: away/],
  ['no turn yet', { ...alone, report: null }, 'never-synced', /anysync sync/],
  [
    'no turn yet, with a daemon',
    { report: null, live: { ...live, isUpToDate: false } },
    'never-synced',
    /turn follows/,
  ],
  ['a path that failed', { report: { ...report, troubles: [path('failed')] } }, 'troubled', /^1 path could not/],
  ['a path that is not for syncing', { report: { ...report, troubles: [path('skipped')] } }, 'up-to-date', /^$/],
  ['a path that is left out', { report: { ...report, troubles: [path('excluded')] } }, 'up-to-date', /^$/],
  ['a path that cannot be here', { report: { ...report, troubles: [path('not-here')] } }, 'up-to-date', /^$/],
  ['a turn that did not settle', { report: { ...report, isSettled: false } }, 'not-in-step', /did not finish/],
  ['a vault that moved on', { headSequence: 4 }, 'not-in-step', /moved on/],
  ['two roots', withLive({ areRootsSame: false }), 'not-in-step', /moved on/],
  ['no watcher', withLive({ watcher: { isHealthy: false, message: 'no watches left' } }), 'unwatched', /no watches/],
  ['a change was seen', withLive({ isUpToDate: false }), 'syncing', /something was seen/],
]

test('the state of a folder, by all that is known of it', () => {
  for (const [seen, known, state, reason] of table) {
    const found = folderState({ ...perfect, ...known })
    assert.equal(found.state, state, seen)
    assert.match(found.reason, reason, seen)
  }
})

test('up to date needs every single fact', () => {
  const doubts: Partial<FolderKnowledge>[] = [
    alone,
    { daemon: 'silent', live: null },
    { daemon: 'paused' },
    { rootTrouble: 'gone' },
    { waiting: { deletions: 1, scrambled: 0, files: 1 } },
    { report: null },
    { headSequence: 4 },
    withLive({ isUpToDate: false }),
    withLive({ areRootsSame: false }),
    withLive({ watcher: { isHealthy: false, message: 'x' } }),
    withLive({ server: { isReached: false, message: 'x' } }),
    withLive({ activity: 'turning' }),
    withLive({ lastTrouble: trouble('unavailable', 'x') }),
  ]
  for (const doubt of doubts) assert.notEqual(folderState({ ...perfect, ...doubt }).state, 'up-to-date')
})
