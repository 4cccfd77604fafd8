/**
 * A long story in steps: each is a test of its own with its own time, and after one that fails the rest is left out.
 */
import type { TestContext } from 'node:test'

export type Step = (fact: string, work: () => Promise<void>) => Promise<void>

export const stepsOf = (t: TestContext): Step => {
  let failed: string | null = null
  return (fact, work) =>
    t.test(fact, async (t) => {
      if (failed !== null) {
        t.skip(`'${failed}' failed before`)
        return
      }
      try {
        await work()
      } catch (error) {
        failed = fact
        throw error
      }
    })
}
