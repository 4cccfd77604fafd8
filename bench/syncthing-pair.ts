/**
 * Two Syncthing instances on loopback, for comparison: nothing announced, no relays, no upgrades, and the shortest delay
 * that its watcher takes.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { Scratch } from '../test/support/scratch.ts'
import type { Pair } from './pair.ts'

/** In seconds: less is not taken for a number. */
export const watcherDelaySeconds = 1

const connectMsMax = 60_000

/** Null when the program is not installed. */
export const syncthingVersion = (): string | null => {
  const { status, stdout } = spawnSync('syncthing', ['--version'], { encoding: 'utf8' })
  return status === 0 ? (stdout.split(' ')[1] ?? '') : null
}

type Instance = { home: string; folder: string; id: string; port: number; apiPort: number }

export const syncthingPair = async (scratch: Scratch): Promise<Pair> => {
  const [a, b] = [await makeInstance(scratch, 'a'), await makeInstance(scratch, 'b')]
  const processes: ChildProcess[] = []
  const pair: Pair = {
    name: `Syncthing ${syncthingVersion() ?? ''}`,
    from: a.folder,
    to: b.folder,
    [Symbol.asyncDispose]: async () => {
      for (const child of processes) {
        if (child.exitCode !== null || child.signalCode !== null) continue
        child.kill('SIGTERM')
        await once(child, 'exit')
      }
    },
  }
  for (const [self, other] of [
    [a, b],
    [b, a],
  ] as const) {
    writeFileSync(join(self.home, 'config.xml'), configOf(self, other))
    const words = ['serve', '--home', self.home, '--no-browser', '--no-restart', '--no-upgrade']
    // In one process: else it keeps a parent that restarts it.
    const environment = { PATH: process.env['PATH'] ?? '', HOME: self.home, STMONITORED: 'yes' }
    const child = spawn('syncthing', words, { env: environment, stdio: 'ignore' })
    process.once('exit', () => child.kill('SIGKILL'))
    processes.push(child)
  }
  const untilMs = performance.now() + connectMsMax
  while (!(await isConnected(a))) {
    if (performance.now() > untilMs) throw new Error('the two Syncthing instances did not connect')
    await wait(500)
  }
  return pair
}

const makeInstance = async (scratch: Scratch, name: string): Promise<Instance> => {
  const home = scratch.folder(`syncthing-${name}`)
  const folder = scratch.folder(`syncthing-${name}-folder`)
  mkdirSync(join(folder, '.stfolder'))
  const made = spawnSync('syncthing', ['generate', '--home', home], { encoding: 'utf8' })
  if (made.status !== 0) throw new Error(`syncthing generate failed: ${made.stderr}`)
  const { stdout } = spawnSync('syncthing', ['--home', home, '--device-id'], { encoding: 'utf8' })
  return { home, folder, id: stdout.trim(), port: await freePort(), apiPort: await freePort() }
}

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

const apiKey = 'bench'

const configOf = (self: Instance, other: Instance): string => `<configuration version="35">
  <folder id="bench" label="bench" path="${self.folder}" type="sendreceive" rescanIntervalS="3600"
    fsWatcherEnabled="true" fsWatcherDelayS="${watcherDelaySeconds}" ignorePerms="false" autoNormalize="true">
    <device id="${self.id}"/>
    <device id="${other.id}"/>
  </folder>
  <device id="${self.id}" name="self"><address>tcp://127.0.0.1:${self.port}</address></device>
  <device id="${other.id}" name="other"><address>tcp://127.0.0.1:${other.port}</address></device>
  <gui enabled="true" tls="false"><address>127.0.0.1:${self.apiPort}</address><apikey>${apiKey}</apikey></gui>
  <options>
    <listenAddress>tcp://127.0.0.1:${self.port}</listenAddress>
    <globalAnnounceEnabled>false</globalAnnounceEnabled>
    <localAnnounceEnabled>false</localAnnounceEnabled>
    <relaysEnabled>false</relaysEnabled>
    <natEnabled>false</natEnabled>
    <urAccepted>-1</urAccepted>
    <autoUpgradeIntervalH>0</autoUpgradeIntervalH>
    <crashReportingEnabled>false</crashReportingEnabled>
    <startBrowser>false</startBrowser>
    <setLowPriority>false</setLowPriority>
    <reconnectionIntervalS>1</reconnectionIntervalS>
  </options>
</configuration>
`

const isConnected = async ({ apiPort }: Instance): Promise<boolean> => {
  try {
    const answer = await fetch(`http://127.0.0.1:${apiPort}/rest/system/connections`, {
      headers: { 'X-API-Key': apiKey },
    })
    const { connections } = (await answer.json()) as { connections: Record<string, { connected: boolean }> }
    return Object.values(connections).some(({ connected }) => connected)
  } catch {
    return false // Not listening yet.
  }
}
