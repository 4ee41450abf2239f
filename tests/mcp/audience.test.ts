import { expect, it } from 'vitest'
import { withAuth } from '../../src/index.ts'
import { jwt } from '../../src/jwt.ts'
import { protectedResource } from '../../src/mcp.ts'
import { defineVerifier, firstOf, introspection } from '../../src/verifiers.ts'
import type { AuthEvent, Verifier } from '../../src/index.ts'

/** A resource whose identifier is an origin: clients get tokens for it with its slash. */

const issuer = 'https://login.example.test'
const bare = 'https://api.example.test'
const warning =
  '"audience" has "https://api.example.test", but clients get tokens for the "identifier" of the resource, which is "https://api.example.test/": add it to "audience"'
const introspected = (audience: string | readonly string[]): Verifier =>
  introspection({ url: 'https://login.example.test/introspect', client: 'none', audience })

function warnings(verifier: Verifier, identifier = `${bare}/`): unknown {
  const events: AuthEvent[] = []
  const resource = protectedResource({ identifier, authorizationServers: [issuer] })
  withAuth(() => new Response(), { verifier, resource, onEvent: (event) => events.push(event) })
  return events
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
