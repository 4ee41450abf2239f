import { describe, expect, it } from 'vitest'
import { createAuthenticator } from '../../src/index.ts'
import { defineVerifier, endpointVerifier, firstOf } from '../../src/verifiers.ts'
import { ask as askAlone } from '../support/issuer.ts'
import { get } from '../support/requests.ts'
import type { AskVerifier, Verifier, VerifierTraits } from '../../src/index.ts'

/** The traits of a verifier are checked once, and none is ignored. */

const allow: AskVerifier = () => ({ outcome: 'allow', principal: 'ada' })

it('is frozen, in one form', () => {
  const reads = { headers: ['X-Org'] }
  const verifier = defineVerifier({ ask: allow, reads, consumes: ['X-Org'], label: undefined })
  reads.headers.push('x-late')
  expect(verifier).toMatchObject({
    ask: allow,
    reads: { headers: ['x-org'], params: 'none', path: false, method: false, clientAddress: false },
    consumes: ['x-org'],
    warnings: [],
  })
  expect(verifier.describe()).toEqual({ type: 'function' })
  expect(defineVerifier({ ask: allow, label: 'ours' }).describe()).toEqual({ type: 'ours' })
  expect(() => Object.assign(verifier, { local: true })).toThrow(TypeError)
  expect(Object.isFrozen(verifier.reads)).toBe(true)
})

describe('a guard takes no verifier whose traits it would ignore', () => {
  const TRAITS: Required<VerifierTraits> = {
    reads: {},
    local: true,
    consumes: ['x-secret'],
    namesCaller: true,
    accepts: () => false,
    label: 'ours',
    warnings: ['w'],
    id: 'v1',
    endsByItself: true,
    describe: () => ({}),
  }
  const guards: Record<string, (verifier: Verifier) => unknown> = {
    verifier: (verifier) => createAuthenticator({ verifier }),
    'verifiers[0]': (verifier) => firstOf([verifier]),
  }

  describe.each(Object.entries(guards))('as %s', (path, guard) => {
    it.each(Object.entries(TRAITS))('a function with "%s"', (name, value) => {
      const carrying = Object.assign(() => ({ outcome: 'allow' }), { [name]: value })
      expect(() => guard(carrying as never)).toThrow(
        expect.objectContaining({
          name: 'AuthConfigError',
          message: `"${path}" must be made by defineVerifier() of with-auth/verifiers, since the function carries "${name}": defineVerifier({ ask, ${name} })`,
        }),
      )
    })

    it.each<[string, unknown, string]>([
      ['an object', { ask: allow, reads: {} }, 'an object'],
      ['a copy of a verifier', { ...defineVerifier({ ask: allow }) }, 'an object'],
      ['a verifier of another copy of the package', ofAnotherCopy(), 'an object of type Verifier'],
      ['a text', 'x', '"x"'],
    ])('%s', (_what, given, received) => {
      expect(() => guard(given as Verifier)).toThrow(
        expect.objectContaining({
          name: 'AuthConfigError',
          message: `"${path}" must be a function, or a verifier that this copy of with-auth has made, received ${received}`,
        }),
      )
    })

    it('names every trait of a function, also one that it inherits', () => {
      const given = Object.assign(() => ({ outcome: 'allow' }), { id: 'a', reads: undefined })
      Object.setPrototypeOf(given, Object.create(Function.prototype, { local: { value: true } }))
      expect(() => guard(given as never)).toThrow(
        'carries "reads", "local", "id": defineVerifier({ ask, reads, local, id })',
      )
    })
  })

  it('and takes a function and every verifier of this package', async () => {
    const verifiers: Verifier[] = [
      () => ({ outcome: 'allow' }),
      defineVerifier({ ask: allow }),
      firstOf([defineVerifier({ ask: allow, reads: {} })]),
    ]
    for (const verifier of verifiers) {
      expect(await createAuthenticator({ verifier })(get('/', 'k1'))).toMatchObject({ ok: true })
    }
    expect(endpointVerifier({ endpoint: 'https://a.example' }).ask).toBeTypeOf('function')
  })
})

/** As `new CheckedVerifier()` of another copy makes it. */
function ofAnotherCopy(): object {
  class Foreign {
    readonly ask = allow
    get [Symbol.toStringTag](): string {
      return 'Verifier'
    }
  }
  return new Foreign()
}

it('is asked as a guard asks it, without a guard', async () => {
  const allowing = firstOf([defineVerifier({ ask: allow, reads: {} })])
  expect(await askAlone(allowing, 't')).toMatchObject({ outcome: 'allow', principal: 'ada' })
  const denial = { outcome: 'deny', detail: 'inactive', cause: 'old' } as const
  const denying = firstOf([defineVerifier({ ask: () => denial, reads: {} })])
  expect(await askAlone(denying, 't')).toMatchObject(denial)
})
