import { describe, expect, it } from 'vitest'
import { protectedResource } from '../../../src/mcp.ts'
import { resolveConfig } from '../../../src/core/config/parse.ts'
import { withAuth } from '../../../src/index.ts'
import { jwt } from '../../../src/jwt.ts'
import { firstOf, introspection } from '../../../src/verifiers.ts'
import type { AuthEvent, Verifier } from '../../../src/index.ts'

const GOOD = {
  identifier: 'https://api.example.test/mcp',
  authorizationServers: ['https://login.example.test'],
}

it('has empty defaults', () => {
  const { resource } = resolveConfig({ resource: GOOD })
  expect(resource).toEqual({ ...GOOD, scopes: [], require: [], name: '', documentation: '' })
  expect(resolveConfig({ resource: false }).resource).toBe(false)
})

it.each<[object, string]>([
  [{ identifier: undefined }, '"resource.identifier" must be'],
  [{ identifier: 'http://api.example.test/' }, 'an https URL (http only on loopback'],
  [{ identifier: 'https://me@api.example.test/' }, 'without user or password'],
  [{ identifier: 'https://api.example.test/#a' }, 'without a fragment'],
  [{ identifier: 'https://api.example.test/a b' }, '"resource.identifier" must be'],
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
  [{ identifier: 'https://api.example.test/?a="b"' }, '"resource.identifier" must be'],
  [{ identifier: 'https://api.example.test/?scope=a' }, 'without quotes, "scope="'],
  [{ identifier: 'https://api.example.test/?ERROR=a' }, 'without quotes, "scope="'],
  [{ authorizationServers: [] }, '"resource.authorizationServers" must be a list of at least one'],
  [{ authorizationServers: 'https://a.test' }, '"resource.authorizationServers" must be a list'],
  [{ authorizationServers: ['http://a.test'] }, '"resource.authorizationServers[0]" must be'],
  [{ authorizationServers: ['https://a.test/?b'] }, 'an issuer, which has no query'],
  [{ scopes: 'a' }, '"resource.scopes" must be a list of at least one scope'],
  [{ require: [] }, '"resource.require" must be a list of at least one scope'],
  [{ require: ['scope=a'] }, '"resource.require[0]" must be a scope'],
  [{ scopes: ['a b'] }, '"resource.scopes[0]" must be a scope of visible ASCII'],
  [{ require: ['a"b'] }, '"resource.require[0]" must be a scope of visible ASCII'],
  [{ require: [''] }, '"resource.require[0]" must be a scope'],
  [{ require: ['offline_access'] }, '"resource.require" must be a list without "offline_access"'],
  [{ scopes: ['offline_access'] }, '"resource.scopes" must be a list without "offline_access"'],
  [{ name: 5 }, '"resource.name" must be a string, received 5'],
  [{ documentation: 'docs' }, '"resource.documentation" must be an absolute https URL'],
  [{ title: 'x' }, 'Unknown option "resource.title"'],
])('rejects %j', (wrong, message) => {
  expect(() => resolveConfig({ resource: protectedResource({ ...GOOD, ...wrong }) })).toThrow(
    message,
  )
})

it('needs bearer tokens, which the challenge speaks of', () => {
  const config = { resource: GOOD, credentials: { header: 'x-api-key' } }
  const message = '"credentials" must be "bearer", or a list with it, beside "resource"'
  expect(() => resolveConfig(config)).toThrow(message)
  const both = { resource: GOOD, credentials: ['bearer', { header: 'x-api-key' }] }
  expect(resolveConfig(both).resource).toMatchObject(GOOD)
})

describe('an origin as `identifier`', () => {
  const issuer = 'https://login.example.test'
  const bare = 'https://api.example.test'
  const warning =
    '"audience" has "https://api.example.test", but clients get tokens for "resource.identifier", which is "https://api.example.test/": add it to "audience"'
  const introspected = (audience: string | readonly string[]): Verifier =>
    introspection({ url: 'https://login.example.test/introspect', client: 'none', audience })

  function warnings(verifier: Verifier, identifier = `${bare}/`): unknown {
    const events: AuthEvent[] = []
    const resource = { ...GOOD, identifier }
    withAuth(() => new Response(), { verifier, resource, onEvent: (event) => events.push(event) })
    return events
  }

  it.each<[string, Verifier]>([
    ['jwt', jwt({ issuer, audience: bare })],
    ['introspection', introspected([bare, 'other'])],
    ['a member of firstOf', firstOf([jwt({ issuer, audience: 'a' }), introspected(bare)])],
  ])('warns if the audience of %s lacks its slash', (_what, verifier) => {
    expect(warnings(verifier)).toEqual([{ type: 'warning', message: warning }])
  })

  it.each<[string, Verifier, string?]>([
    ['is the same', jwt({ issuer, audience: `${bare}/` })],
    ['has both spellings', jwt({ issuer, audience: [bare, `${bare}/`] })],
    ['is another name', jwt({ issuer, audience: 'api' })],
    ['is that of a path', jwt({ issuer, audience: bare }), `${bare}/mcp`],
    ['is unknown', () => ({ outcome: 'deny' })],
    ['cannot be read', Object.assign(() => ({ outcome: 'deny' }) as const, { describe: fail })],
  ])('warns of nothing if the audience %s', (_what, verifier, identifier) => {
    expect(warnings(verifier, identifier)).toEqual([])
  })
})

function fail(): never {
  throw new Error('bug')
}
