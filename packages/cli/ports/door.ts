/**
 * The Door over the network: what a stranger may ask of a server.
 */
import { createClient } from '@connectrpc/connect'
import type { Door } from '@anysync/client/ports.ts'
import { SyncError } from '@anysync/protocol/errors.ts'
import { Account } from '@anysync/protocol/gen/anysync/v1/account_pb.js'
import { userIdFromBytes } from '@anysync/protocol/ids.ts'
import { callMsMax } from '@anysync/protocol/limits.ts'
import { parseChallenge, parseLogin } from './answers.ts'
import { callsTo } from './call.ts'
import { formatServer, type ServerAddress } from './link.ts'
import { trustedFingerprint, type Trust } from './pin.ts'
import { retry } from './retry.ts'
import { openLine, type LineOptions } from './transport.ts'

/**
 * The certificate must be known exactly (pinned, or learned by `learnTrust`), because a login signs it. Disposing the
 * door closes its connections.
 */
export const openDoor = (server: ServerAddress, trust: Trust, options: LineOptions = {}): Door & AsyncDisposable => {
  const certificateFingerprint = trustedFingerprint(trust)
  if (certificateFingerprint === null) {
    throw new SyncError('door.open', 'invalid', `the certificate of ${formatServer(server)} is not known yet`)
  }
  const line = openLine(server, trust, null, options)
  const account = createClient(Account, line.transport)
  const callOptions = { timeoutMs: callMsMax }
  const call = callsTo(server)

  return {
    certificateFingerprint,

    // Neither sign-up nor login is repeated: an invitation and a challenge are good once.
    signUp: (request) =>
      call(
        'account.signUp',
        () => account.signUp(request, callOptions),
        ({ userId }) => userIdFromBytes(userId),
      ),

    challenge: (email) =>
      retry(line, () => call('account.challenge', () => account.challenge({ email }, callOptions), parseChallenge)),

    login: (request) => call('account.login', () => account.login(request, callOptions), parseLogin),

    [Symbol.asyncDispose]: () => line[Symbol.asyncDispose](),
  }
}
