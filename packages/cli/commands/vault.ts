/**
 * `anysync vault create` and `anysync vault list`.
 */
import { createOutput, table } from '../output/print.ts'
import { formatBytes, shown } from '../output/words.ts'
import type { CommonOptions } from '../local.ts'
import { makeVault } from '../make-vault.ts'
import { listVaults, openSession } from '../session.ts'

export const createVault = async (name: string, options: CommonOptions): Promise<void> => {
  const output = createOutput(options)
  await using session = await openSession(options, false)
  const { info } = await makeVault(session, name)
  output.tell({ vaultId: info.vaultId, name })
  output.say(`made the vault '${shown(name)}'; link a folder to it with \`anysync add FOLDER --vault NAME\``)
}

export const list = async (options: CommonOptions): Promise<void> => {
  const output = createOutput(options)
  await using session = await openSession(options, false)
  const vaults = (await listVaults(session)).map(({ info, grant }) => ({
    vaultId: info.vaultId,
    name: grant.name,
    sequence: info.head?.sequence ?? 0,
    bytesStored: info.bytesStored,
  }))
  output.tell({ vaults })
  if (vaults.length === 0) output.note('there is no vault yet: make one with `anysync vault create NAME`')
  const rows = vaults.map(({ name, sequence, bytesStored }) => [
    shown(name),
    sequence === 0 ? 'empty' : `snapshot ${sequence}`,
    formatBytes(bytesStored),
  ])
  for (const line of table(rows)) output.say(line)
}
