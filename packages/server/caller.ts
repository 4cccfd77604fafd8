/**
 * Carries who calls from the door, where it was proven, to the services. Nothing here decides anything.
 */
import { createContextKey, createContextValues, type ContextValues, type HandlerContext } from '@connectrpc/connect'
import type { FastifyRequest } from 'fastify'
import { SyncError } from '@anysync/protocol/errors.ts'
import type { DeviceId, UserId } from '@anysync/protocol/ids.ts'
import type { Caller } from './authorize.ts'

declare module 'fastify' {
  interface FastifyRequest {
    caller: Caller
  }
}

export const nobody: Caller = { holder: 'nobody' }

const callerKey = createContextKey<Caller>(nobody)
const addressKey = createContextKey('')

export const contextValuesOf = (request: FastifyRequest): ContextValues =>
  createContextValues().set(callerKey, request.caller).set(addressKey, request.ip)

/** The device that calls. A route that forgot to ask for one fails closed. */
export const deviceOf = (from: HandlerContext | FastifyRequest): { userId: UserId; deviceId: DeviceId } => {
  const caller = 'caller' in from ? from.caller : from.values.get(callerKey)
  if (caller.holder !== 'device') throw new SyncError('authorize', 'unauthorized', 'this call is for devices: log in')
  return caller
}

/** The account that calls by its own token. */
export const accountOf = (context: HandlerContext): { userId: UserId } => {
  const caller = context.values.get(callerKey)
  if (caller.holder !== 'account') {
    throw new SyncError('authorize', 'unauthorized', "this call needs the account's token: give the password")
  }
  return caller
}

export const addressOf = (context: HandlerContext): string => context.values.get(addressKey)
