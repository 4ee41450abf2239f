import { describe, expect, it } from 'vitest'
import { AuthConfigError, memoryCache, withAuth } from '../../src/index.ts'
import { defineVerifier, endpointVerifier, firstOf, introspection } from '../../src/verifiers.ts'
import type { Verifier, VerifierTraits } from '../../src/index.ts'
import type { FirstOfOptions } from '../../src/verifiers.ts'

const OPAQUE = introspection({ url: 'https://a.example/introspect', client: 'none' })
const PICKY = introspection({
  url: 'https://b.example/introspect?key=hunter2',
  client: { id: 'api', secret: 'hunter2' },
  accepts: (token) => token.startsWith('b'),
})
const FUNCTION: Verifier = () => ({ outcome: 'deny' })

function verifierWith(traits: VerifierTraits): Verifier {
  return defineVerifier({ ask: () => ({ outcome: 'deny' }), ...traits })
}

function messageOf(verifiers: unknown, options?: unknown): string {
  try {
    firstOf(verifiers as Verifier[], options as FirstOfOptions)
  } catch (error) {
    if (error instanceof AuthConfigError) return error.message
    throw error
  }
  return 'no error'
}

const VERIFIER = 'a function, or a verifier that this copy of with-auth has made'
const GREEDY =
  '"verifiers[0]" must be the last one, or have "accepts": it takes every token, so that no other is asked (or set "fallThrough")'

it.each<[unknown, unknown, string]>([
  [undefined, undefined, '"verifiers" must be a non-empty list of verifiers, received undefined'],
  [[], undefined, '"verifiers" must be a non-empty list of verifiers, received an array'],
  [
    OPAQUE,
    undefined,
    '"verifiers" must be a non-empty list of verifiers, received an object of type Verifier',
  ],
  [[PICKY, 'x'], undefined, `"verifiers[1]" must be ${VERIFIER}, received "x"`],
  [[undefined], undefined, `"verifiers[0]" must be ${VERIFIER}, received undefined`],
  [
    [Object.assign(() => ({ outcome: 'deny' }), { local: true })],
    undefined,
    '"verifiers[0]" must be made by defineVerifier() of with-auth/verifiers, since the function carries "local": defineVerifier({ ask, local })',
  ],
  [[OPAQUE, PICKY], undefined, GREEDY],
  [[OPAQUE, PICKY], { fallThrough: false }, GREEDY],
  [
    [FUNCTION, verifierWith({ reads: { params: 'lists' } })],
    { fallThrough: true },
    '"verifiers" must be such that all read "params" as "values", or all as "lists"',
  ],
  [[OPAQUE], { fallTrough: true }, 'Unknown option "fallTrough": did you mean "fallThrough"?'],
])('says what is wrong with %j', (verifiers, options, message) => {
  expect(messageOf(verifiers, options)).toBe(message)
})

it('says all that is wrong at once', () => {
  expect(messageOf([7, 8], { fallThrough: 7, retry: 7 }).split('\n')).toHaveLength(4)
})

it.each<[readonly Verifier[], FirstOfOptions | undefined]>([
  [[OPAQUE], undefined],
  [[PICKY, OPAQUE], {}],
  [[OPAQUE, PICKY], { fallThrough: true }],
  [[PICKY, FUNCTION], { retry: false, circuitBreaker: false }],
])('accepts %j with %j', (verifiers, options) => {
  expect(firstOf(verifiers, options).ask).toBeTypeOf('function')
})

describe('the verifier', () => {
  it('reads what one of its members reads, and the usual context for a function', () => {
    const some = verifierWith({ reads: { headers: ['X-Org'], method: true } })
    const other = verifierWith({ reads: { headers: ['x-org', 'x-b'], params: 'lists' } })
    const { reads } = firstOf([some, other, PICKY], { fallThrough: true })
    expect(reads).toEqual({
      headers: ['x-org', 'x-b'],
      params: 'lists',
      path: false,
      method: true,
      clientAddress: false,
    })
    expect(firstOf([PICKY, FUNCTION]).reads).toMatchObject({ headers: 'all', path: true })
    const cached = (verifier: Verifier) => () =>
      withAuth(() => new Response('x'), { verifier, cache: memoryCache() })
    expect(cached(firstOf([PICKY, OPAQUE]))).not.toThrow()
    expect(cached(firstOf([PICKY, FUNCTION]))).toThrow('"cache"')
  })

  it('has the policies of its members, and no others', () => {
    expect(firstOf([OPAQUE]).local).toBe(true)
    expect(firstOf([OPAQUE]).label).toBe('first_of')
  })

  it('accepts what one of its members accepts, if all of them choose', () => {
    expect(firstOf([PICKY, OPAQUE]).accepts).toBeUndefined()
    const { accepts } = firstOf([PICKY, firstOf([PICKY])])
    expect(accepts?.('b1')).toBe(true)
    expect(accepts?.('a1')).toBe(false)
  })

  it('has the warnings of its members, each once', () => {
    const warned = verifierWith({ warnings: ['a', 'b'] })
    const { warnings } = firstOf([warned, warned], { fallThrough: true })
    expect(warnings).toEqual(['a', 'b'])
  })

  it('keeps for itself the headers that are for its members alone', () => {
    const secret = verifierWith({ consumes: ['X-Secret'], accepts: () => false })
    const other = verifierWith({ consumes: ['x-secret', 'x-other'] })
    expect(firstOf([secret, other]).consumes).toEqual(['x-secret', 'x-other'])
    expect(firstOf([OPAQUE]).consumes).toEqual([])
  })

  it('cannot promise a revocation if one of its members cannot', () => {
    const ending = verifierWith({ endsByItself: true, accepts: () => false })
    expect(firstOf([ending, OPAQUE]).endsByItself).toBe(true)
    expect(firstOf([PICKY, OPAQUE]).endsByItself).toBeUndefined()
  })

  it('has an id if all of its members have one, by their order and the mode', () => {
    const members = ['a', 'b'].map((id) => verifierWith({ id, accepts: () => false }))
    const others = ['b', 'a'].map((id) => verifierWith({ id, accepts: () => false }))
    const ids = [
      firstOf(members).id,
      firstOf(others).id,
      firstOf(members, { fallThrough: true }).id,
      firstOf(members.slice(1)).id,
    ]
    expect(ids).not.toContain(undefined)
    expect(new Set(ids).size).toBe(4)
    expect(firstOf([...members, FUNCTION]).id).toBeUndefined()
  })

  it('describes its members, without secrets', () => {
    const endpoint = endpointVerifier({ endpoint: 'https://c.example/validate' })
    const shown = firstOf([PICKY, endpoint], { retry: false }).describe?.()
    expect(shown).toMatchObject({
      type: 'first_of',
      fallThrough: false,
      retry: false,
      concurrency: { maxInFlight: 64 },
      verifiers: [{ type: 'introspection' }, { type: 'endpoint' }],
    })
    expect(JSON.stringify(shown)).not.toContain('hunter2')
    expect(firstOf([FUNCTION]).describe?.()).toMatchObject({ verifiers: [{ type: 'function' }] })
  })
})
