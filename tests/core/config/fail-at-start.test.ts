import { expect, it, vi } from 'vitest'
import { auth } from '../../../src/hono.ts'
import { AuthConfigError, createAuthenticator, withAuth } from '../../../src/index.ts'
import { ENDPOINT } from '../../support/msw-endpoint.ts'
import { get } from '../../support/requests.ts'
import type { AuthConfig } from '../../../src/index.ts'

/** A server with a wrong config does not start, or rejects every request. */

it.each<[string, AuthConfig]>([
  ['a variable that is not set (Auth.js GHSA-8fpg-xm3f-6cx3)', { endpoint: undefined as never }],
  ['an empty endpoint (Traefik CVE-2026-54762)', { endpoint: '' }],
  ['a misspelt option', { endpoint: ENDPOINT, publicPaths: ['/a'] } as AuthConfig],
  ['a pattern that makes every path public', { endpoint: ENDPOINT, public: ['/*'] }],
])('%s throws before the first request', (_title, config) => {
  expect(() => withAuth(() => new Response('secret'), config)).toThrow(AuthConfigError)
  expect(() => createAuthenticator(config)).toThrow(AuthConfigError)
  expect(() => auth(config)).toThrow(AuthConfigError)
})

it.each<[string, unknown]>([
  ['mode', 'shadow'],
  ['public', ['/admin']],
  ['verifier', () => ({ outcome: 'allow' })],
  ['config', { mode: 'shadow' }],
  ['header', 'x-key'],
  ['outcome', 'allow'],
  ['endpoint', 'https://evil.example.test/'],
  ['cache', {}],
])('%s on Object.prototype opens nothing (prototype pollution)', async (name, value) => {
  vi.spyOn(console, 'error').mockImplementation(() => undefined)
  vi.stubEnv('AUTH_ENDPOINT', undefined)
  const asked = vi.spyOn(globalThis, 'fetch').mockResolvedValue(new Response(null, { status: 401 }))
  const handler = vi.fn(() => new Response('secret'))
  const sources = [undefined, () => ({ endpoint: ENDPOINT }), { verifier: () => ({}) as never }]
  // Before: the constructor of Request reads some of these names, too.
  const requests = sources.map(() => get('/admin', 'k1'))
  Object.defineProperty(Object.prototype, name, { value, configurable: true, enumerable: true })
  const results = requests.map((request, index) =>
    Promise.resolve()
      .then(() => withAuth(handler, sources[index])(request))
      .catch((error: unknown) => error),
  )
  // An inherited option that is unknown or wrong is rejected, which is as good.
  const problems = (await Promise.all(results)).filter(
    (result) => !(result instanceof Response || result instanceof AuthConfigError),
  )
  Reflect.deleteProperty(Object.prototype, name)
  expect(problems).toEqual([])
  expect(handler).not.toHaveBeenCalled()
  for (const [url] of asked.mock.calls) expect(url).toBe(ENDPOINT)
})
