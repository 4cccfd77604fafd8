/**
 * Values that travel as JSON, over the daemon's socket and into the state: how each is parsed.
 */
import * as v from 'valibot'
import { isKind, type Kind } from '@anysync/protocol/errors.ts'

export const kindSchema = v.custom<Kind>((value) => typeof value === 'string' && isKind(value))

/** Nanoseconds do not fit a JSON number. */
export const timeNsSchema = v.pipe(
  v.string(),
  v.regex(/^-?\d{1,20}$/),
  v.transform((text) => BigInt(text)),
)
