/**
 * Ways to break what forgets, prunes and rescues: each takes out one guard of `packages/client/vault`.
 */
import { vault, type Mutant } from './mutate.ts'

export const keepingMutants: Mutant[] = [
  {
    file: vault('prune'),
    find: '    batch.live.push(...use.live)\n',
    replace: '',
    breaks: 'a prune retires packs without copying what is needed of them',
  },
  {
    file: vault('prune'),
    find: '    await markKept()\n    left =',
    replace: '    left =',
    breaks: 'a prune that was overtaken does not mark what came meanwhile',
  },
  {
    file: vault('mark'),
    find: '            for (const id of content.chunks) markChunk(chunkIdFromBytes(id))\n',
    replace: '',
    breaks: 'a prune marks trees and not the files in them',
  },
  {
    file: vault('log'),
    find: '      for (const pack of effects.retired) state.removePack(vaultId, pack)\n',
    replace: '',
    breaks: 'a device goes on using packs that were retired',
  },
  {
    file: vault('rescue'),
    find: '((await check(snapshot.root)) === null ? rescued : lost).push(snapshot)',
    replace: 'rescued.push(snapshot)',
    breaks: 'a snapshot is rescued of which something was swept',
  },
]
