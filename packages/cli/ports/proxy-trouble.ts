/**
 * What went wrong between this device and its proxy, in one sentence. Whatever a proxy does is `unavailable`: it proves
 * nothing about the server. No sentence and no cause holds the user or the password.
 */
import { SyncError } from '@anysync/protocol/errors.ts'
import { formatServer, type ServerAddress } from './link.ts'
import { plainMessage } from './network-trouble.ts'
import { formatProxy, type ProxyServer } from './proxy.ts'

export const proxyFault = (proxy: ProxyServer, sentence: (name: string) => string, cause?: unknown): SyncError =>
  new SyncError('proxy.connect', 'unavailable', sentence(`the proxy ${formatProxy(proxy)}`), cause)

/** The proxy asks for user and password, or does not take those that it got. */
export const loginRefused = (proxy: ProxyServer): SyncError => {
  const advice = `set them with \`anysync config set proxy ${formatProxy(proxy)} --password-file FILE\``
  const fault = proxy.login === null ? 'asks for a user and a password' : 'does not take the user and the password'
  return proxyFault(proxy, (name) => `${name} ${fault}: ${advice}`)
}

/** The proxy works, and says that it does not connect there. */
export const connectRefused = (proxy: ProxyServer, server: ServerAddress, reason: string): SyncError =>
  proxyFault(
    proxy,
    (name) => `${name} does not connect to ${formatServer(server)} (${plainMessage(reason)}): ask who runs it`,
  )

/** What answers is something else. */
export const notThatProxy = (proxy: ProxyServer, cause?: unknown): SyncError =>
  proxyFault(proxy, (name) => `what answers as ${name} is no such proxy: check the setting proxy`, cause)

/** Any error of the line to the proxy. */
export const proxyTrouble = (proxy: ProxyServer, error: unknown): SyncError => {
  if (error instanceof SyncError) return error
  const fault = (sentence: (name: string) => string) => proxyFault(proxy, sentence, error)
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
  if (error instanceof Error && error.name === 'TimeoutError') {
    return fault((name) => `${name} does not answer in time: check the network and the setting proxy`)
  }
  if (code === 'ECONNREFUSED') return fault((name) => `nothing answers as ${name}: check the setting proxy`)
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return fault((name) => `the address of ${name} cannot be found: check the network and the setting proxy`)
  }
  if (code.startsWith('HPE_')) return notThatProxy(proxy, error)
  if (/CERT|SELF_SIGNED|UNABLE_TO|^ERR_(TLS|SSL)|EPROTO/.test(code)) {
    return fault((name) => `${name} shows no good certificate (${plainMessage(code)}): check the setting proxy`)
  }
  const reason = code === '' ? '' : ` (${plainMessage(code)})`
  return fault((name) => `the line to ${name} broke${reason}: try again, or check the setting proxy`)
}
