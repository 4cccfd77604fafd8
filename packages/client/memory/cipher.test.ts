import { nodeCipher } from '@anysync/cli/ports/cipher.ts'
import { cipherSuite } from './cipher.suite.ts'
import { memoryCipher } from './cipher.ts'
import { zstdSuite } from './zstd.suite.ts'

cipherSuite('the memory cipher', () => memoryCipher)
zstdSuite(
  'the memory cipher',
  () => memoryCipher,
  () => [memoryCipher, nodeCipher],
)
