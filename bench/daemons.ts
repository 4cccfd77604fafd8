/** The daemons of a household's two devices, running until they are disposed of. */
import type { Household } from '../test/support/household.ts'
import type { Running } from '../test/support/programs.ts'

/** Resolves when each has ended its first turn. `runMsMax`: so long they may run. */
export const startDaemons = async ({ desk, laptop }: Household, runMsMax: number): Promise<AsyncDisposable> => {
  const daemons: Running[] = []
  for (const device of [desk, laptop]) {
    const daemon = device.start(['start', '--foreground', '--json'], { timeoutMs: runMsMax })
    daemons.push(daemon)
    await daemon.line(/"event":"turn"/)
  }
  return {
    async [Symbol.asyncDispose]() {
      for (const daemon of daemons) daemon.kill('SIGTERM')
      for (const daemon of daemons) await daemon.result
    },
  }
}
