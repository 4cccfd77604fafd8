/**
 * The proxy as commands are given it: the address as a word, user and password from a file, for words can be read by
 * other programs. No variable of the environment names a proxy.
 */
import type { AccountHome } from '../homes.ts'
import { UsageError } from '../output/fail.ts'
import { readPassword } from '../output/password.ts'
import { formatProxy, parseProxy, parseProxyLogin, type ProxyServer } from '../ports/proxy.ts'
import { readWritten, writeSettings } from '../settings/settings-file.ts'
import type { WrittenSettings } from '../settings/settings.ts'

export type ProxyOptions = { proxy?: string; proxyLoginFile?: string }

/** Null when none is named. */
export const proxyOf = async ({ proxy, proxyLoginFile }: ProxyOptions): Promise<ProxyServer | null> => {
  if (proxy !== undefined) return await proxyFrom(proxy, proxyLoginFile)
  if (proxyLoginFile !== undefined) throw new UsageError('--proxy-login-file goes with --proxy only')
  return null
}

/** `loginFile` holds USER:PASSWORD; - is standard input. */
export const proxyFrom = async (address: string, loginFile: string | undefined): Promise<ProxyServer> => {
  const proxy = parseProxy(address)
  if (loginFile === undefined) return proxy
  return { ...proxy, login: parseProxyLogin(await readPassword({ passwordFile: loginFile }, '', false)) }
}

/** As the settings hold it. */
export const writtenProxy = (proxy: ProxyServer): WrittenSettings['proxy'] => ({
  address: formatProxy(proxy),
  ...proxy.login,
})

/** For all that this device does with the account from now on. */
export const saveProxy = (account: AccountHome, proxy: ProxyServer): void =>
  writeSettings(account, { ...readWritten(account), proxy: writtenProxy(proxy) })
