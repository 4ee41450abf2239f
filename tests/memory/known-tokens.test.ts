/** @module-tag slow */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, it } from 'vitest'
import { Generations, KnownTokens } from '../../src/core/asking/known-tokens.ts'
import { createAuthenticator, memoryCache } from '../../src/index.ts'
import { defineVerifier } from '../../src/verifiers.ts'

/** The tokens that were allowed lately, of all guards of a cache. */

setFlagsFromString('--expose_gc')
const collect = runInNewContext('gc') as () => void

const MIB = 2 ** 20
const TOKENS = 16_384
const PAD = 'x'.repeat(400)

it('count only while they are kept, so that a token that comes and goes crowds out no other', () => {
  const generations = new Generations()
  const [one, other] = [new KnownTokens(generations), new KnownTokens(generations)]
  one.add('alice', 0)
  for (let turn = 0; turn < 3 * TOKENS; turn += 1) {
    other.add('mallory', 0)
    if (turn % 2 === 0) other.forget('mallory')
    else other.forget()
  }
  expect(one.has('alice', 0)).toBe(true)
  expect(other.has('mallory', 0)).toBe(false)
})

it('take no more memory with every guard of a cache, also of guards that are not asked any more', async () => {
  const cache = memoryCache({ maxEntries: 1 })
  const context = { headers: [], params: 'none', path: false } as const
  const guards: unknown[] = []
  const growthOfGuard = async (name: string): Promise<number> => {
    const guard = createAuthenticator({ verifier: () => ({ outcome: 'allow' }), cache, context })
    guards.push(guard)
    collect()
    const before = process.memoryUsage().heapUsed
    for (let index = 0; index < TOKENS; index += 1) {
      const headers = { authorization: `Bearer ${name}-${index}-${PAD}` }
      await guard(new Request('http://a.example/', { headers }))
    }
    // A turn for what the last request leaves.
    await new Promise((resolve) => setTimeout(resolve, 20))
    collect()
    return (process.memoryUsage().heapUsed - before) / MIB
  }
  for (const name of ['a', 'b', 'c']) await growthOfGuard(name)
  expect((await growthOfGuard('d')) + (await growthOfGuard('e'))).toBeLessThan(4)
  expect(guards).toHaveLength(5)
}, 60_000)

it('are none of a verifier that answers from memory', async () => {
  const verifier = defineVerifier({ ask: () => ({ outcome: 'allow' }), local: true })
  const guard = createAuthenticator({ verifier })
  collect()
  const before = process.memoryUsage().heapUsed
  for (let index = 0; index < TOKENS; index += 1) {
    const headers = { authorization: `Bearer ${index}-${PAD}` }
    await guard(new Request('http://a.example/', { headers }))
  }
  await new Promise((resolve) => setTimeout(resolve, 20))
  collect()
  expect((process.memoryUsage().heapUsed - before) / MIB).toBeLessThan(3)
  expect(await guard(new Request('http://a.example/'))).toMatchObject({ ok: false })
}, 60_000)
