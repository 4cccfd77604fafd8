/**
 * What a command and the daemon say to each other over the daemon's socket: one question a connection, one JSON
 * document a line, each with the version of these words. Nothing secret is ever said. What came is parsed before
 * anybody looks at it.
 */
import * as v from 'valibot'
import type { TurnReport } from '@anysync/client/sync/report.ts'
import { SyncError } from '@anysync/protocol/errors.ts'
import { kindSchema, timeNsSchema } from '../schemas.ts'

export const wireVersion = 2

const linkId = v.pipe(v.string(), v.maxLength(64))

const questionSchema = v.variant('ask', [
  v.strictObject({ version: v.literal(wireVersion), ask: v.literal('status') }),
  v.strictObject({ version: v.literal(wireVersion), ask: v.literal('stop') }),
  v.strictObject({ version: v.literal(wireVersion), ask: v.literal('pause') }),
  v.strictObject({ version: v.literal(wireVersion), ask: v.literal('resume') }),
  v.strictObject({ version: v.literal(wireVersion), ask: v.literal('turn'), linkId }),
  v.strictObject({ version: v.literal(wireVersion), ask: v.literal('preview'), linkId }),
  v.strictObject({ version: v.literal(wireVersion), ask: v.literal('confirm'), linkId }),
  v.strictObject({ version: v.literal(wireVersion), ask: v.literal('take-up'), linkId }),
  v.strictObject({ version: v.literal(wireVersion), ask: v.literal('let-go'), linkId }),
])

type WithoutVersion<Value> = Value extends unknown ? Omit<Value, 'version'> : never
export type Question = WithoutVersion<v.InferOutput<typeof questionSchema>>
export type Asked = Question['ask']

const count = v.pipe(v.number(), v.minValue(0))

const progressSchema = v.object({
  phase: v.picklist(['scan', 'pull', 'push']),
  files: count,
  filesTotal: count,
  bytes: count,
  bytesTotal: count,
  current: v.optional(v.array(v.object({ path: v.string(), bytes: count, size: count })), []),
})

const countsSchema = v.object({ files: count, folders: count, symlinks: count, removed: count, bytes: count })

const waitingSchema = v.object({ deletions: count, scrambled: count, files: count })

const reportSchema: v.GenericSchema<unknown, TurnReport> = v.object({
  pulled: countsSchema,
  pushed: countsSchema,
  conflicts: v.array(v.string()),
  troubles: v.array(
    v.object({
      path: v.string(),
      kind: v.picklist(['skipped', 'excluded', 'unreadable', 'busy', 'not-here', 'held', 'failed', 'corrupt']),
      message: v.string(),
    }),
  ),
  waiting: v.nullable(waitingSchema),
  isWhole: v.boolean(),
  isSettled: v.boolean(),
  sequence: count,
  snapshots: count,
  bytesUploaded: count,
})

const folderSchema = v.object({
  linkId,
  /** As in FollowState. */
  activity: v.picklist(['starting', 'turning', 'idle', 'paused', 'waiting']),
  progress: v.nullable(v.object({ ...progressSchema.entries, bytesPerSecond: count })),
  watcher: v.object({ isHealthy: v.boolean(), message: v.string() }),
  server: v.object({ isReached: v.boolean(), message: v.string() }),
  lastFullScanNs: v.nullable(timeNsSchema),
  lastTrouble: v.nullable(v.object({ timeNs: timeNsSchema, kind: kindSchema, message: v.string() })),
  /** Whether base and head have the same root. */
  areRootsSame: v.boolean(),
  isUpToDate: v.boolean(),
})

/** A folder as the daemon sees it at this moment. */
export type LiveFolder = v.InferOutput<typeof folderSchema>
export type LiveProgress = NonNullable<LiveFolder['progress']>

/** What each question is answered with, in the end. */
const schemas = {
  status: v.object({
    pid: count,
    startedNs: timeNsSchema,
    isPaused: v.boolean(),
    folders: v.array(folderSchema),
  }),
  stop: v.object({ pid: count }),
  pause: v.object({}),
  resume: v.object({}),
  turn: v.object({ report: reportSchema }),
  preview: v.object({
    lines: v.array(v.string()),
    document: v.object({ steps: v.array(v.object({ does: v.string(), path: v.string() })), conflicts: count }),
  }),
  confirm: v.object({ waiting: v.nullable(waitingSchema), isAlarmOver: v.boolean() }),
  'take-up': v.object({}),
  'let-go': v.object({}),
} satisfies Record<Asked, v.GenericSchema>

export type Answers = { [Name in Asked]: v.InferOutput<(typeof schemas)[Name]> }
const answerSchemas: { readonly [Name in Asked]: v.GenericSchema<unknown, Answers[Name]> } = schemas

export type Answer<Name extends Asked> = Answers[Name]
export type DaemonStatus = Answers['status']

/** One line of the daemon: signs of life, then the answer or why there is none. */
const lineSchema = v.variant('is', [
  v.object({ version: v.literal(wireVersion), is: v.literal('alive') }),
  v.object({ version: v.literal(wireVersion), is: v.literal('progress'), progress: progressSchema }),
  v.object({ version: v.literal(wireVersion), is: v.literal('answer'), answer: v.unknown() }),
  v.object({
    version: v.literal(wireVersion),
    is: v.literal('trouble'),
    operation: v.string(),
    kind: kindSchema,
    message: v.string(),
  }),
])

export type Line = WithoutVersion<v.InferOutput<typeof lineSchema>>

export const questionLine = (question: Question): string => lineOf(question)
export const daemonLine = (line: Line): string => lineOf(line)

const lineOf = (document: object): string =>
  `${JSON.stringify({ version: wireVersion, ...document }, (_key, value: unknown) =>
    typeof value === 'bigint' ? value.toString() : value,
  )}\n`

/** `invalid` for anything that is no question of this version. */
export const parseQuestion = (line: string): Question =>
  parse(questionSchema, line, 'this is no question to an AnySync daemon of this version')

export const parseDaemonLine = (line: string): Line => parse(lineSchema, line, otherVersion)

export const parseAnswer = <Name extends Asked>(asked: Name, answer: unknown): Answer<Name> => {
  const schema: v.GenericSchema<unknown, Answer<Name>> = answerSchemas[asked]
  const parsed = v.safeParse(schema, answer)
  if (!parsed.success) throw new SyncError('daemon.ask', 'invalid', otherVersion)
  return parsed.output
}

const otherVersion = 'the daemon speaks another version of AnySync: end its process and start it again'

const parse = <Output>(schema: v.GenericSchema<unknown, Output>, line: string, message: string): Output => {
  const parsed = v.safeParse(schema, parseJson(line))
  if (!parsed.success) throw new SyncError('daemon.ask', 'invalid', message)
  return parsed.output
}

/** Null, which no schema takes, for what is no JSON. */
const parseJson = (line: string): unknown => {
  try {
    return JSON.parse(line)
  } catch (error) {
    if (error instanceof SyntaxError) return null
    throw error
  }
}
