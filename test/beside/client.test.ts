/** Runs the tests that lie beside the code of the client. */
import { importTests } from './import-tests.ts'

await importTests('packages/client')
