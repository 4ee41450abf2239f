import { describe, expect, it } from 'vitest'
import { introspection } from '../../src/verifiers.ts'
import { nodeTransport } from '../../src/node.ts'
import type { IntrospectionOptions } from '../../src/verifiers.ts'

const URL_TEXT = 'https://login.example.com/introspect?key=hunter2'
const GOOD: IntrospectionOptions = { url: URL_TEXT, client: { id: 'api', secret: 'hunter2' } }
const PLAIN = { ...GOOD, url: 'https://login.example.com/introspect' }

it('warns of clear text', () => {
  expect(introspection(GOOD).warnings).toEqual([])
  const insecure = introspection({
    ...GOOD,
    url: 'http://login.example.com',
    allowInsecureHttp: true,
  })
  expect(insecure.warnings).toEqual([expect.stringContaining('clear text')])
})

describe('the verifier', () => {
  it('reads the token alone, and is named in events', () => {
    const verifier = introspection(GOOD)
    expect(verifier.label).toBe('introspection')
    expect(verifier.reads).toMatchObject({ headers: [], params: 'none', path: false })
    expect(verifier.local).toBeUndefined()
    expect(verifier.accepts).toBeUndefined()
    const accepts = (): boolean => false
    expect(introspection({ ...GOOD, accepts }).accepts).toBe(accepts)
  })

  it('describes its options with their defaults, and without secrets', () => {
    const shown = introspection({ ...GOOD, audience: 'a' }).describe?.()
    expect(shown).toEqual({
      type: 'introspection',
      url: 'https://login.example.com/introspect?***',
      client: { id: 'api', secret: '[redacted]', method: 'basic' },
      audience: ['a'],
      allowMissingAudience: false,
      principal: ['sub'],
      attributes: {},
      exposeClaims: [],
      allowInsecureHttp: false,
    })
    expect(introspection({ ...GOOD, client: { bearer: 'hunter2' } }).describe?.()).toMatchObject({
      client: { bearer: '[redacted]' },
    })
  })

  it('has an id that differs with each option that decides', () => {
    const others: Partial<IntrospectionOptions>[] = [
      {},
      { url: 'https://other.example.com/' },
      { client: 'none' },
      { client: { id: 'other', secret: 'x' } },
      { audience: 'a' },
      { audience: 'a', allowMissingAudience: true },
      { issuer: 'a' },
      { principal: 'username' },
      { attributes: { groups: 'teams' } },
      { tenant: 'org' },
      { exposeClaims: ['acr'] },
    ]
    const ids = others.map((given) => introspection({ ...PLAIN, ...given }).id)
    expect(ids).not.toContain(undefined)
    expect(new Set(ids).size).toBe(others.length)
  })

  it('has another id for each client, each of its secrets and each way to send it, and shows none', () => {
    const clients: IntrospectionOptions['client'][] = [
      'none',
      ...['hunter2', 'hunter3'].flatMap((secret) => [
        { bearer: secret },
        { id: 'one', secret },
        { id: 'one', secret, method: 'post' as const },
        { id: 'two', secret },
      ]),
    ]
    const idsOf = (): unknown[] => clients.map((client) => introspection({ ...PLAIN, client }).id)
    expect(new Set(idsOf()).size).toBe(clients.length)
    expect(idsOf()).toEqual(idsOf())
    const byQuery = introspection({ ...PLAIN, url: URL_TEXT }).id
    expect(JSON.stringify([idsOf(), byQuery])).not.toContain('hunter')
  })

  it('has no id if its questions may depend on more than options', () => {
    const idWith = (given: Partial<IntrospectionOptions>) =>
      introspection({ ...PLAIN, ...given }).id
    expect(idWith({ fetch: nodeTransport() })).toBeDefined()
    expect(idWith({ fetch: () => Promise.reject(new Error('x')) })).toBeUndefined()
    expect(idWith({ accepts: () => true })).toBeUndefined()
  })
})
