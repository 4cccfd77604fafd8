/**
 * Ways to break the engine: each takes out one guard, one order of writes or one row of a policy. The simulator must notice
 * every one. Whoever adds a guard adds the mutant that lacks it.
 */
import { keepingMutants } from './mutants-keeping.ts'
import { turnMutants } from './mutants-turns.ts'
import { sync, vault, type Mutant } from './mutate.ts'

export const mutants: Mutant[] = [
  ...keepingMutants,
  ...turnMutants,
  // What is absent is not deleted.
  {
    file: sync('guards'),
    find: 'if (isMarkerOf(marker, link.id)) return\n',
    replace: 'if (marker !== undefined) return\n',
    breaks: 'a folder without its marker is taken for the linked one',
  },
  {
    file: sync('scan'),
    find: '  if (entries === null) return false\n',
    replace:
      '  if (entries === null) {\n    missed.push(...state.children(linkId, folder.id))\n    return false\n  }\n',
    breaks: 'what is below a folder that cannot be listed is taken for deleted',
  },
  {
    file: sync('missing'),
    find: 'if (node.disk === null || met.has(node.id) || told.has(node.id)) continue',
    replace: 'if (met.has(node.id) || told.has(node.id)) continue',
    breaks: 'what was never on this disk goes with its folder',
  },
  {
    file: sync('ask'),
    find: 'isConfirmed ? confirmed.deletions + deletedBefore : 0',
    replace: 'allDeletions',
    breaks: 'many deletions are not asked about',
  },
  {
    file: sync('pull'),
    find: '  await checkDisk()\n  standNew()\n  ledger.agree([',
    replace: '  standNew()\n  ledger.agree([',
    breaks: 'the base says what was made in a folder that hides the disk',
  },
  // The policy of one node.
  {
    file: sync('merge'),
    find: 'if (local === null) return kept(base !== null && remote !== null && isUnchanged(base, remote) ? null : remote)',
    replace: 'if (local === null) return kept(null)',
    breaks: 'a deletion here beats an edit there',
  },
  {
    file: sync('merge'),
    find: 'if (remote === null) return kept(base !== null && isUnchanged(base, local) ? null : local)',
    replace: 'if (remote === null) return kept(base !== null ? null : local)',
    breaks: 'a deletion there beats an edit here',
  },
  {
    file: sync('merge'),
    find: "isKeptTwice: content === 'both' }",
    replace: 'isKeptTwice: false }',
    breaks: 'of two edits only one is kept',
  },
  {
    file: sync('merge'),
    find: "if (isSame(local, remote) || isSame(local, base)) return 'remote'",
    replace: "if (isSame(local, remote)) return 'remote'",
    breaks: 'what only the head changed counts as changed on both sides',
  },
  {
    file: sync('merge'),
    find: "  if (isSame(remote, base)) return 'local'\n",
    replace: '',
    breaks: 'what only this device changed counts as changed on both sides',
  },
  // Who is who.
  {
    file: sync('adopt'),
    find: '(remoteIdsByPlace.get(placeKey(place)) ?? absent.at(parent, place.name))',
    replace: 'absent.at(parent, place.name)',
    breaks: 'the same new name on two devices is never one node',
  },
  {
    file: sync('adopt'),
    find: "const isOfKind = (candidateKind === 'folder') === (change.local.kind === 'folder')",
    replace: 'const isOfKind = candidateKind !== null',
    breaks: 'a new file takes the id of a new folder',
  },
  {
    file: sync('identify-node'),
    find: 'if (there.inode === found.stat.inode) return null',
    replace: 'if (there.inode === found.stat.inode) return known',
    breaks: 'a hard link takes the node from its first name',
  },
  {
    file: sync('look'),
    find: 'return change.remote ?? change.base',
    replace: 'return change.remote',
    breaks: 'a file that has only to be read again brings back what was deleted',
  },
  // The tree as a whole.
  {
    file: sync('plan'),
    find: '  tree.reviveFolders()\n',
    replace: '',
    breaks: 'a deleted folder with something new in it does not live on',
  },
  {
    file: sync('plan'),
    find: '  tree.breakCycles()\n',
    replace: '',
    breaks: 'two moves may put folders below each other',
  },
  {
    file: sync('plan'),
    find: '  conflicts.push(...tree.separateNames())\n',
    replace: '',
    breaks: 'two nodes may have one name',
  },
  {
    file: sync('plan'),
    find: '.sort(([a], [b]) => a - b).map(([, level]) => level)',
    replace: '.sort(([a], [b]) => b - a).map(([, level]) => level)',
    breaks: 'children come before parents',
  },
  // Nothing that changed since the scan is touched.
  {
    file: sync('pull-files'),
    find: 'some.map(({ step, path, temp }) => ({ temp, path, expected: parts.where.stat(step.id) })),',
    replace:
      'await Promise.all(some.map(async ({ path, temp }) => ({ temp, path, expected: await disk.lstat(path) }))),',
    breaks: 'a file that changed since the scan is replaced',
  },
  {
    file: sync('arrange'),
    find: 'await parts.disk.remove(path, seenStat(parts, step))',
    replace: 'await parts.disk.remove(path, (await parts.disk.lstat(path)) ?? seenStat(parts, step))',
    breaks: 'a file that changed since the scan is removed',
  },
  {
    file: sync('node'),
    find: "stat.kind !== 'folder' && stat.ctimeNs > lookedNs - tickNsMax",
    replace: "stat.kind === 'other'",
    breaks: 'a write in the tick of the look is never seen',
  },
  // The order of writes.
  {
    file: sync('pull'),
    find: '  await times.restore(steps, ledger)\n  await parts.disk.settle()\n  await checkDisk()\n',
    replace: '  await times.restore(steps, ledger)\n  await checkDisk()\n',
    breaks: 'the base says what a power cut may take from the disk',
  },
  {
    file: sync('pull-files'),
    find: '    await agree(written)\n    written = slice.placed\n',
    replace: '    await agree([...written, ...slice.placed])\n    written = []\n',
    breaks: 'the base says that a slice has its names before they are settled',
  },
  {
    file: sync('round'),
    find: '  const { newest, hasGoneBack } = await takeOverLog(parts)\n',
    replace:
      '  const known = parts.vault.newest()\n' +
      '  const { newest, hasGoneBack } = known ? { newest: known, hasGoneBack: false } : await takeOverLog(parts)\n',
    breaks: 'a round plans with the head of long ago',
  },
  {
    file: sync('push'),
    find: 'const wanted = pushable(view, ledger, steps)',
    replace: "const wanted = steps.filter((step) => step.toLog !== 'none')",
    breaks: 'steps are pushed though what they rest on was not carried out',
  },
  {
    file: sync('apply'),
    find: 'writeContent(id, between.has(id) ? null : (this.#contents.get(id) ?? null))',
    replace: 'writeContent(id, this.#contents.get(id) ?? null)',
    breaks: 'a folder counts as at the head while changes below it are owed',
  },
  {
    file: sync('apply'),
    find: 'for (const parent of [head.changes.get(id)?.remote?.parent, state.node(linkId, id)?.parent])',
    replace: 'for (const parent of [head.changes.get(id)?.remote?.parent ?? state.node(linkId, id)?.parent])',
    breaks: 'what is owed below a folder that was moved is forgotten',
  },
  {
    file: vault('log'),
    find: "if (!isTrouble(error, 'unavailable') || !(await isAppended(refresh, state, keys, head))) throw error",
    replace: "if (!isTrouble(error, 'unavailable')) throw error",
    breaks: 'a lost reply counts as a record',
  },
  {
    file: vault('vault-writer'),
    find: 'for (const pack of pending) if (!existing.has(pack)) state.removePack(vaultId, pack)',
    replace: 'for (const pack of pending) if (existing.has(pack)) state.removePack(vaultId, pack)',
    breaks: 'pending packs are forgotten',
  },
  // A server that went back.
  {
    file: sync('take-over'),
    find: '      if (remote === null) state.removeNode(linkId, id)\n',
    replace: '      if (remote === null) continue\n',
    breaks: 'what was made since the copy of a server is taken for deleted',
  },
  {
    file: sync('take-over'),
    find: 'followed <= sequence ? null : await',
    replace: 'followed < 0 ? null : await',
    breaks: 'a base that is older than the copy of a server is taken for newer',
  },
  {
    file: sync('take-over'),
    find: 'disk: base.disk && forgottenFor(base.disk, remote)',
    replace: 'disk: base.disk',
    breaks: 'what was edited since the copy of a server is not pushed again',
  },
  {
    file: sync('take-over'),
    find: "  kind === 'folder' ? { ...disk, mode } : forgottenDisk(disk)",
    replace: '  kind === mode ? disk : forgottenDisk(disk)',
    breaks: 'the mode of a folder is not sent again to a server that went back',
  },
  {
    file: sync('take-over'),
    find: '    state.putFact(linkId, facts.rules, null)\n',
    replace: '',
    breaks: 'a turn over a part of the disk is enough for a server that went back',
  },
]
