import { cipherSuite } from '@anysync/client/memory/cipher.suite.ts'
import { memoryCipher } from '@anysync/client/memory/cipher.ts'
import { zstdSuite } from '@anysync/client/memory/zstd.suite.ts'
import { nodeCipher } from './cipher.ts'

cipherSuite("Node's cipher", () => nodeCipher)
zstdSuite(
  "Node's cipher",
  () => nodeCipher,
  () => [nodeCipher, memoryCipher],
)
