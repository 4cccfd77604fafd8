/**
 * `npm run fuzz -- --count N --seed S`: N mutated inputs in all, an equal share for each parser.
 */
import { parseArgs } from 'node:util'
import { fuzz } from './fuzz.ts'
import { targets } from './targets.ts'

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '100000' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string', default: '' },
  },
})

const chosen = targets.filter(({ name }) => name.includes(values.only))
const share = Math.ceil(Number(values.count) / chosen.length)
const startedMs = performance.now()
let total = 0
for (const target of chosen) {
  const targetMs = performance.now()
  const { refused, accepted, failure } = await fuzz(target, share, Number(values.seed))
  total += refused + accepted
  const seconds = ((performance.now() - targetMs) / 1000).toFixed(1)
  console.log(`${target.name}: ${refused} refused, ${accepted} accepted, ${seconds} s`)
  if (failure === null) continue
  console.log(`FAILED with --seed ${values.seed}: ${failure.why}\n${failure.hex}`)
  process.exitCode = 1
}
console.log(`${total} inputs in ${((performance.now() - startedMs) / 1000).toFixed(1)} s`)
