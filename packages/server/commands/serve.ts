/**
 * Serving until a signal says stop. `start` and `run` differ only in what they print before.
 */
import { once } from 'node:events'
import { startServer, type RunningServer } from '../app.ts'
import { readConfig, type Config } from '../config.ts'
import type { Home } from '../home.ts'
import { createLog } from '../log.ts'
import { homeOf, tell, type PlaceOptions } from './options.ts'

export const start = async (options: PlaceOptions): Promise<void> => {
  await serve(options, homeOf(options), () => Promise.resolve())
}

/** Resolves when the server has stopped. `beforeReady` runs when it already answers. */
export const serve = async (
  options: PlaceOptions,
  home: Home,
  beforeReady: (server: RunningServer, config: Config) => Promise<void>,
): Promise<void> => {
  const config = withPlace(readConfig(home), options)
  const log = createLog(config.log)
  // Heard from the beginning, so that a stop during the start is not lost.
  const stopped = Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')])
  const server = await startServer({ home, config, log })
  try {
    await beforeReady(server, config)
    tell(options, { ready: server.url, fingerprint: server.fingerprint().toHex() }, [`ready ${server.url}`])
    await stopped
    log.info('stopping')
  } finally {
    await server.close()
  }
  log.info('stopped')
}

/** What the command line says goes before the settings, for this run. */
const withPlace = (config: Config, { port, host }: PlaceOptions): Config => ({
  ...config,
  port: port ?? config.port,
  ...(host === undefined ? {} : { address: host, listen: host }),
})
