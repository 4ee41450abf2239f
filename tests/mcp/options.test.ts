import { expect, it } from 'vitest'
import { resolveConfig } from '../../src/core/config/parse.ts'
import { AuthConfigError } from '../../src/index.ts'
import { protectedResource } from '../../src/mcp.ts'
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
