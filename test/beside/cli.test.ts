/** Runs the tests that lie beside the code of the command line. */
import { importTests } from './import-tests.ts'

await importTests('packages/cli')
