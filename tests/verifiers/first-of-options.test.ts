import { describe, expect, it } from 'vitest'
import { memoryCache, withAuth } from '../../src/index.ts'
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
    const other = verifierWith({ accepts: (token) => token.startsWith('c') })
    const { accepts } = firstOf([PICKY, firstOf([other])])
    expect(['a1', 'b1', 'c1'].map((token) => accepts?.(token))).toEqual([false, true, true])
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
    expect(ids[0]).toMatch(/^\["first_of",/)
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
