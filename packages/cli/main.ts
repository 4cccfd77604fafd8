/**
 * The `anysync` command: runs what was asked for, and ends with an exit code and, for a failure, one line.
 */
import { CommanderError } from 'commander'
import { exitCodes, explain, type ExitCode } from './output/fail.ts'
import { buildProgram } from './program.ts'
import { keepHeapSmall } from './small-heap.ts'

const main = async (): Promise<ExitCode> => {
  let ending: ExitCode = exitCodes.done
  try {
    await buildProgram((code) => (ending = code)).parseAsync(process.argv)
    return ending
  } catch (error) {
    // Commander has printed its own: help, the version, or what is wrong with the words.
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.done : exitCodes.usage
    const { lines, exitCode } = explain(error)
    process.stderr.write(`anysync: ${lines.join('\n')}\n`)
    return exitCode
  }
}

keepHeapSmall()

// Whoever reads our answer may have read enough: `anysync ls | head`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit(exitCodes.done)
})

process.exitCode = await main()
