/**
 * `anysync whoami`: the account and device that this home is signed in as, and what the server holds for it.
 */
import { createOutput, table } from '../output/print.ts'
import { formatBytes, shown } from '../output/words.ts'
import { formatFingerprint } from '../ports/link.ts'
import { fingerprintOf } from '../ports/pin.ts'
import { signedIn, type CommonOptions } from '../local.ts'
import { remoteOf } from '../session.ts'

export const whoami = async (options: CommonOptions): Promise<void> => {
  const output = createOutput(options)
  const { account, keys } = signedIn(options)
  await using remote = remoteOf({ account, keys })
  const { email, userId, deviceId, deviceName, bytesUsed, bytesQuota } = await remote.whoAmI()
  const isPinned = keys.pinnedCertificate.length > 0
  const fingerprint = isPinned ? formatFingerprint(fingerprintOf(keys.pinnedCertificate)) : null
  const server = keys.serverUrl
  output.tell({ email, server, userId, deviceId, deviceName, bytesUsed, bytesQuota, fingerprint, home: account.folder })
  const quota = bytesQuota === 0 ? 'no limit' : `of ${formatBytes(bytesQuota)}`
  const rows = [
    ['account', shown(email)],
    ['server', server],
    ['certificate', fingerprint ?? 'publicly trusted'],
    ['device', `${shown(deviceName)} (${deviceId})`],
    ['stored', `${formatBytes(bytesUsed)}, ${quota}`],
    ['home', account.folder],
  ]
  for (const line of table(rows)) output.say(line)
}
