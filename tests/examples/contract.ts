import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { startAuthEndpoint } from '../support/auth-endpoint.ts'
import { NOTES, call, callInChunks, smuggle } from './notes-client.ts'
import { TOKEN } from '../support/token.ts'
import type { AuthEndpoint } from '../support/auth-endpoint.ts'
import type { RunningServer } from '../runtimes/support/server-process.ts'
import type { Example } from './examples.ts'

/** A started example, and the auth endpoint that it asks. */
export interface Trial {
  readonly server: () => RunningServer
  readonly endpoint: () => AuthEndpoint
  /** The keys and paths that the endpoint was told since the last call. */
  readonly asked: () => string[]
}

/** Tests of one example alone. */
export type More = (trial: Trial) => void

/** Spellings of the path of the notes. Some routers take some of them for the same path. */
const SPELLINGS: readonly string[] = [
  NOTES,
  '//v1/notes',
  '/v1//notes',
  '/v1/notes/',
  '/v1/notes//',
  '/V1/NOTES',
  '/v1/./notes',
  '/x/../v1/notes',
  '/x/%2e%2e/v1/notes',
  '/x/..%2fv1/notes',
  '/%76%31/%6e%6f%74%65%73',
  '/%2576%2531/notes',
  '/v1%2fnotes',
  '/v1\\notes',
  '/v1/notes;x=1',
  '/v1/notes?x=1',
  '/v1/notes%3fx=1',
  '/v1/notes%00',
  '/v1/notes%20',
  '/v1/notes.json',
  '/v1/notes.data',
  '/v1/notes.rsc',
  '/v1/notes/__data.json',
  '/_next/data/x/v1/notes.json',
  'http://elsewhere.example/v1/notes',
  'http://elsewhere.example:80/v1/notes',
]

/** Headers that some framework or proxy trusts for the path, the method, the caller or a finished check. */
const TRUSTED_BY_SOME: Readonly<Record<string, string>> = {
  // CVE-2025-29927
  'x-middleware-subrequest':
    'src/middleware:middleware:middleware:middleware:middleware:middleware',
  'x-middleware-next': '1',
  'x-middleware-rewrite': NOTES,
  'x-invoke-path': NOTES,
  'x-nextjs-data': '1',
  rsc: '1',
  'x-astro-path': NOTES,
  'x-sveltekit-pathname': NOTES,
  'x-sveltekit-invalidated': '1',
  'x-original-url': '/healthz',
  'x-rewrite-url': '/healthz',
  'x-http-method-override': 'OPTIONS',
  'x-forwarded-host': 'localhost',
  'x-forwarded-for': '127.0.0.1',
  'x-forwarded-user': 'alice',
  'x-auth-principal': 'alice',
  'x-amzn-oidc-identity': 'alice',
  'proxy-authorization': `Bearer ${TOKEN}`,
  cookie: `authorization=${TOKEN}`,
}

// React Router names a charset.
const JSON_TYPE = expect.stringMatching(/^application\/json(; charset=utf-8)?$/) as string
const REJECTED = { 'content-type': JSON_TYPE, 'cache-control': 'no-store' }

/** The tests of each example, over a real socket. `more` has the tests of one example alone. */
export function describeExample(example: Example, more?: More): void {
  describe(`examples/${example.file}, served by ${example.server}`, () => {
    let server: RunningServer | undefined
    let endpoint: AuthEndpoint | undefined
    const trial: Trial = {
      server: () => present(server),
      endpoint: () => present(endpoint),
      asked: () =>
        present(endpoint)
          .received.splice(0)
          .map(({ body }) => JSON.parse(body) as { api_key: string; request: { path: string } })
          .map(({ api_key, request }) => `${api_key} ${request.path}`),
    }

    beforeAll(async () => {
      endpoint = await startAuthEndpoint()
      server = await example.start(inject('app'), { AUTH_ENDPOINT: endpoint.url })
    })
    afterAll(async () => {
      await server?.stop()
      await endpoint?.close()
    })

    describeRejections(trial)
    describeEntry(trial)
    more?.(trial)
    // The last one: it closes the endpoint.
    describeOutage(trial)
  })
}

function describeRejections(trial: Trial): void {
  it('answers 401 with a challenge without a key, and does not ask the endpoint', async () => {
    const response = await call(trial.server(), {})
    expect(response).toMatchObject({ status: 401, code: 'missing_credentials', headers: REJECTED })
    expect(response.headers['www-authenticate']).toBe('Bearer realm="api"')
    expect(await call(trial.server(), { text: 'no key' })).toEqual(response)
    expect(trial.asked()).toEqual([])
  })

  it('answers 401 with a challenge to a wrong key', async () => {
    const response = await call(trial.server(), { key: 'wrong' })
    expect(response).toMatchObject({ status: 401, code: 'denied', headers: REJECTED })
    expect(response.headers['www-authenticate']).toBe('Bearer realm="api", error="invalid_token"')
    expect(await call(trial.server(), { key: 'wrong', text: 'wrong key' })).toEqual(response)
    expect(trial.asked()).toEqual([`wrong ${NOTES}`, `wrong ${NOTES}`])
  })

  it('answers 401 when the endpoint redirects', async () => {
    const response = await call(trial.server(), { key: 'redirect', text: 'redirected' })
    expect(response).toMatchObject({ status: 401, code: 'denied' })
    expect(trial.asked()).toEqual([`redirect ${NOTES}`])
  })

  it.each(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'QUERY'])(
    'rejects every spelling of the path by %s without a key',
    async (method) => {
      for (const target of SPELLINGS) {
        const { status, body } = await smuggle(trial.server(), method, target)
        expect({ target, status, body }).toEqual({
          target,
          status: expect.toSatisfy(isNoSuccess),
          body: expect.not.stringContaining('"notes"'),
        })
      }
      expect(trial.asked()).toEqual([])
    },
  )

  it.each(Object.entries(TRUSTED_BY_SOME))('does not trust the header %s', async (name, value) => {
    const response = await call(trial.server(), { headers: { [name]: value }, text: 'trusted' })
    expect(response).toMatchObject({ status: 401, code: 'missing_credentials' })
  })
}

function describeEntry(trial: Trial): void {
  it('allows a valid key, tells the endpoint the path, and the handler the principal', async () => {
    const response = await call(trial.server(), { key: TOKEN })
    expect(response).toMatchObject({ status: 200, principal: 'alice' })
    expect(trial.asked()).toEqual([`${TOKEN} ${NOTES}`])
  })

  it('has not run the handler for any rejected request', async () => {
    expect(await call(trial.server(), { key: TOKEN })).toMatchObject({ notes: [] })
    trial.asked()
  })

  it('leaves the body as it is, with a length and in chunks', async () => {
    // More bytes than arrive at once. A letter of two bytes shows if one was lost or read twice.
    const text = 'ä€'.repeat(15_000)
    expect(await call(trial.server(), { key: TOKEN, text })).toMatchObject({ status: 200 })
    expect(await callInChunks(trial.server(), text)).toMatchObject({ status: 200 })
    expect(await call(trial.server(), { key: TOKEN })).toMatchObject({ notes: [text, text] })
    trial.asked()
  })
}

function describeOutage(trial: Trial): void {
  it('answers 401 while the endpoint is unavailable, even with a valid key', async () => {
    await trial.endpoint().close()
    const response = await call(trial.server(), { key: TOKEN, text: 'not asked' })
    expect(response).toMatchObject({ status: 401, code: 'unreachable', headers: REJECTED })
  })
}

// The status is NaN if a server closes at once.
function isNoSuccess(status: number): boolean {
  return !(status >= 200 && status < 300)
}

function present<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('The example is not running')
  return value
}
