import { testKeys, testWork } from './store.suite.ts'
import { contentWorkSuite } from './work.suite.ts'

contentWorkSuite(() => ({ ...testWork(testKeys()), [Symbol.asyncDispose]: () => Promise.resolve() }))
