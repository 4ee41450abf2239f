import { expect, it } from 'vitest'
import { resolveConfig } from '../../src/core/config/parse.ts'
import { AuthConfigError } from '../../src/index.ts'
import { jwt } from '../../src/jwt.ts'
import { protectedResource } from '../../src/mcp.ts'
import { defineVerifier, firstOf, introspection } from '../../src/verifiers.ts'
import { guardWith } from '../support/guarded-verifier.ts'
import type { Verifier } from '../../src/index.ts'
import type { ResourceConfig } from '../../src/mcp.ts'

const GOOD = {
  identifier: 'https://api.example.test/mcp',
  authorizationServers: ['https://login.example.test'],
}

it('has empty defaults', () => {
  const defaults = { scopes: [], require: [], name: '', documentation: '' }
  expect(protectedResource(GOOD).describe()).toEqual({ ...GOOD, ...defaults })
  expect(resolveConfig({ resource: false }).resource).toBe(false)
})

it.each<[object, string]>([
  [{ identifier: 'http://api.example.test/' }, 'an https URL (http only on loopback'],
  [{ identifier: 'https://me@api.example.test/' }, 'without user or password'],
  [{ identifier: 'https://api.example.test/#a' }, 'without a fragment'],
  [{ identifier: 'https://api.example.test/a b' }, '"identifier" must be'],
  [{ identifier: 'https://api.example.test/a/../b' }, 'did you mean "https://api.example.test/b"?'],
  [{ identifier: 'https://api.example.test/a/..%2fb' }, 'whose path can be read in one way'],
  [{ identifier: 'https://API.example.test/' }, 'did you mean "https://api.example.test/"?'],
  [
    { identifier: 'https://api.example.test' },
    'must be written as clients compare it, received "https://api.example.test": did you mean "https://api.example.test/"?',
  ],
  [{ identifier: 'https://api.example.test:8443' }, '"https://api.example.test:8443/"?'],
  [{ identifier: 'http://localhost:3000' }, 'did you mean "http://localhost:3000/"?'],
  [{ identifier: 'https://api.example.test?a' }, 'did you mean "https://api.example.test/?a"?'],
  [{ identifier: 'https://api.example.test/é' }, 'written as clients compare it'],
  [{ identifier: 'https://api.example.test/?a="b"' }, '"identifier" must be'],
  [{ identifier: 'https://api.example.test/?scope=a' }, 'without quotes, "scope="'],
  [{ identifier: 'https://api.example.test/?ERROR=a' }, 'without quotes, "scope="'],
  [{ authorizationServers: [] }, '"authorizationServers" must be a list of at least one'],
  [{ authorizationServers: ['https://a.test/?b'] }, 'an issuer, which has no query'],
  [{ scopes: 'a' }, '"scopes" must be a list of at least one scope'],
  [{ require: ['scope=a'] }, '"require[0]" must be a scope'],
  [{ scopes: ['a b'] }, '"scopes[0]" must be a scope of visible ASCII'],
  [{ require: ['a"b'] }, '"require[0]" must be a scope of visible ASCII'],
  [{ require: ['offline_access'] }, '"require" must be a list without "offline_access"'],
  [{ name: 5 }, '"name" must be a string, received 5'],
  [{ documentation: 'docs' }, '"documentation" must be an absolute https URL'],
])('rejects %j', (wrong, message) => {
  expect(() => protectedResource({ ...GOOD, ...wrong })).toThrow(message)
})

it('names every problem at once', () => {
  const wrong = { scopes: [''], require: ['offline_access'] } as unknown as ResourceConfig
  const paths = [['identifier'], ['authorizationServers'], ['scopes', 0], ['require']]
  const problems = paths.map((optionPath) => expect.objectContaining({ optionPath }) as unknown)
  expect(() => protectedResource(wrong)).toThrow(
    expect.objectContaining({ constructor: AuthConfigError, problems }),
  )
})

it('needs bearer tokens, which the challenge speaks of', () => {
  const resource = protectedResource(GOOD)
  const config = { resource, credentials: { header: 'x-api-key' } }
  const message = '"credentials" must be "bearer", or a list with it, beside "resource"'
  expect(() => resolveConfig(config)).toThrow(message)
  const both = { resource, credentials: ['bearer', { header: 'x-api-key' }] }
  expect(resolveConfig(both).resource).toBe(resource)
})

/** A resource whose identifier is an origin: clients get tokens for it with its slash. */
const issuer = 'https://login.example.test'
const bare = 'https://api.example.test'
const warning =
  '"audience" has "https://api.example.test", but clients get tokens for the "identifier" of the resource, which is "https://api.example.test/": add it to "audience"'
const introspected = (audience: string | readonly string[]): Verifier =>
  introspection({ url: 'https://login.example.test/introspect', client: 'none', audience })

function warnings(verifier: Verifier, identifier = `${bare}/`): unknown {
  const resource = protectedResource({ identifier, authorizationServers: [issuer] })
  return guardWith(verifier, { resource }).events
}

const describing = (described: object): Verifier =>
  defineVerifier({ ask: () => ({ outcome: 'deny' }), describe: () => described })
const odd = { audience: bare, none: null, text: 'a' }

it.each<[string, Verifier]>([
  ['jwt', jwt({ issuer, audience: bare })],
  ['introspection', introspected([bare, 'other'])],
  ['a member of firstOf', firstOf([jwt({ issuer, audience: 'a' }), introspected(bare)])],
  ['code that describes more', describing(Object.assign(odd, { itself: odd }))],
  ['a verifier three levels down', describing({ a: { b: { c: { audience: bare } } } })],
])('warns if the audience of %s lacks its slash', (_what, verifier) => {
  expect(warnings(verifier)).toEqual([{ type: 'warning', message: warning }])
})

it.each<[string, Verifier, string?]>([
  ['is the same', jwt({ issuer, audience: `${bare}/` })],
  ['has both spellings', jwt({ issuer, audience: [bare, `${bare}/`] })],
  ['is another name', jwt({ issuer, audience: 'api' })],
  ['is that of a path', jwt({ issuer, audience: bare }), `${bare}/mcp`],
  ['is unknown', () => ({ outcome: 'deny' })],
  ['cannot be read', defineVerifier({ ask: () => ({ outcome: 'deny' }), describe: fail })],
  ['is further down', describing({ a: { b: { c: { d: { audience: bare } } } } })],
])('warns of nothing if the audience %s', (_what, verifier, identifier) => {
  expect(warnings(verifier, identifier)).toEqual([])
})

function fail(): never {
  throw new Error('bug')
}
