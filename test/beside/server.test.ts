/** Runs the tests that lie beside the code of the server and of the protocol. */
import { importTests } from './import-tests.ts'

await importTests('packages/protocol', 'packages/server')
