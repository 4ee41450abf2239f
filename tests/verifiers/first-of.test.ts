import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { endpointVerifier, firstOf, introspection } from '../../src/verifiers.ts'
import { guardWith } from '../support/guarded-verifier.ts'
import { TOKEN } from '../support/token.ts'
import { startService } from '../support/verifier-service.ts'
import type { Question, Verifier } from '../../src/index.ts'
import type { FirstOfOptions, IntrospectionOptions } from '../../src/verifiers.ts'
import type { Answer } from '../support/verifier-service.ts'

const ANSWERS = {
  allow: () => ({ json: { active: true, sub: 'alice' } }),
  deny: () => ({ json: { active: false } }),
  unavailable: () => ({ status: 503 }),
} satisfies Record<string, Answer>
type Outcome = keyof typeof ANSWERS

const OUTCOMES = Object.keys(ANSWERS) as Outcome[]
const COMBINATIONS = OUTCOMES.flatMap((a) =>
  OUTCOMES.flatMap((b) => OUTCOMES.map((c) => [a, b, c] as const)),
)

async function startThree(outcomes: readonly Outcome[], given: Partial<IntrospectionOptions> = {}) {
  const services = await Promise.all(outcomes.map((one) => startService(ANSWERS[one])))
  const verifiers = services.map(({ url }) => introspection({ url, client: 'none', ...given }))
  return { services, verifiers, calls: () => services.map(({ calls }) => calls.length) }
}

const NO_RETRY: FirstOfOptions = { retry: false }

describe.each(COMBINATIONS)('with answers %s, %s, %s', (...outcomes) => {
  it('the first that accepts decides alone', async () => {
    const { verifiers, calls } = await startThree(outcomes, { accepts: () => true })
    const decision = await guardWith(firstOf(verifiers, NO_RETRY)).ask()
    const expected = { allow: undefined, deny: 'denied', unavailable: 'service_error' }
    expect(decision.reason).toBe(expected[outcomes[0]])
    expect(calls()).toEqual([1, 0, 0])
  })

  it('with `fallThrough` any allow allows, and any outage is no denial', async () => {
    const { verifiers, calls } = await startThree(outcomes)
    const verifier = firstOf(verifiers, { ...NO_RETRY, fallThrough: true })
    const { ask } = guardWith(verifier, { cache: {} })
    const decision = await ask()
    const allowedBy = outcomes.indexOf('allow')
    const isOutage = outcomes.includes('unavailable')
    const denial = isOutage ? 'service_error' : 'denied'
    expect(decision.reason).toBe(allowedBy === -1 ? denial : undefined)
    const asked = allowedBy === -1 ? 3 : allowedBy + 1
    expect(calls()).toEqual([0, 1, 2].map((index) => (index < asked ? 1 : 0)))
    const isCached = allowedBy !== -1 || !isOutage
    expect((await ask()).cache).toBe(isCached ? 'hit' : 'miss')
  })
})
