/**
 * `anysync-server init`: makes the home and everything in it, once.
 */
import { serverPort } from '@anysync/protocol/limits.ts'
import { createHome, hasHome } from '../create-home.ts'
import { homeOf, tell, type PlaceOptions } from './options.ts'
import { readConfig } from '../config.ts'
import { readIdentity } from '../tls.ts'

export const init = async (options: PlaceOptions): Promise<void> => {
  const home = homeOf(options)
  const isNew = !hasHome(home)
  await createHome(home, { port: options.port ?? serverPort, host: options.host ?? null })
  const { tls } = readConfig(home)
  const { fingerprint } = readIdentity(tls ?? { certificate: home.certificateFile, key: home.keyFile })
  const facts = { home: home.root, fingerprint: fingerprint.toHex(), isNew }
  tell(options, facts, [
    isNew ? `made a server in ${home.root}` : `there is a server in ${home.root} already; nothing was changed`,
    `fingerprint  ${facts.fingerprint}`,
    `settings     ${home.configFile}`,
  ])
}
