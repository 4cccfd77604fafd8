/**
 * The worlds that histories begin in: some devices that have settled on a small tree. Each is made once in a process, and
 * copied for every history that begins so.
 */
import { accountTemplate } from '@anysync/client/sync/world.suite.ts'
import { treesMax, type History } from './history.ts'
import { contentWord, secretWord } from './words.ts'
import { cipher, makeWorld, type Start, type World } from './world.ts'

export const createWorld = async (history: History, say: (line: string) => void): Promise<World> => {
  const start = await startOf(history.devices, history.tree)
  // The second run of a seed asks for just what the first did.
  if (history.seed !== newestSeed) cipher.forget()
  newestSeed = history.seed
  return await makeWorld(history, start, say)
}

let newestSeed = -1
const starts = new Map<string, Promise<Start>>()

const startOf = (devices: number, tree: number): Promise<Start> => {
  const key = `${devices} ${tree}`
  const known = starts.get(key)
  if (known) return known
  const made = makeStart(devices, tree)
  starts.set(key, made)
  return made
}

const trees: Record<string, string | null>[] = [
  {},
  { a: 'one', 'b/a': 'two', 'b/c': 'three', 'd e': 'four', c: null },
  { 'a/b/c/a': 'one', 'a/b/b': 'two', 'a/c': 'three', 'b/a/c': 'four', b2: 'five' },
  Object.fromEntries(Array.from({ length: 13 }, (_, index) => [`${['a', 'b', 'c'][index % 3]}/${index}`, `${index}`])),
]

const makeStart = async (count: number, tree: number): Promise<Start> => {
  const { copy, timeNs } = await accountTemplate()
  const history: History = {
    seed: -1 - tree,
    devices: count,
    tree,
    isOnePerson: false,
    hasModes: false,
    refusing: null,
    folding: null,
    roundChangesMax: null,
    steps: [],
  }
  const world = await makeWorld(history, { server: copy, timeNs, disks: [], states: [] }, () => undefined)
  const [first] = world.devices
  for (const [path, text] of Object.entries(trees[tree % treesMax] ?? {})) {
    const named = path
      .split('/')
      .map((name) => `${secretWord}-${name}`)
      .join('/')
    if (text === null) first?.disk.user.mkdir(named)
    else first?.disk.user.writeFile(named, `${contentWord} ${text}`)
  }
  world.clock.advance(1000)
  for (let round = 0; round < 2; round++) for (const { engine } of world.devices) await engine.turn()
  world.clock.advance(1000)
  cipher.keep()
  return {
    server: world.server.snapshot(),
    timeNs: world.clock.nowNs(),
    disks: world.devices.map(({ disk }) => disk),
    states: world.devices.map(({ state }) => state.snapshot()),
  }
}
