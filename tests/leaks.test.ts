import { inspect } from 'node:util'
import { HttpResponse } from 'msw'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { createDecisionLog } from '../src/cli/log.ts'
import { AuthUnavailableError, createAuthenticator, withAuth } from '../src/index.ts'
import { parseConfig } from '../src/yaml.ts'
import { ENDPOINT, setupEndpoint } from './support/msw-endpoint.ts'
import { get, raw } from './support/requests.ts'
import { createSurroundings } from './support/surroundings.ts'
import { WAYS } from './support/ways.ts'
import type { AuthConfig, AuthEvent } from '../src/index.ts'

/** No response, event, error, log line or dump of an object holds a token or a secret of the config. */

const SECRET = 'sec-91b7e2d4a8c35f60'
const LEVELS = ['log', 'info', 'warn', 'error', 'debug'] as const
const handler = vi.fn(() => new Response('secret'))
const { asked, answer } = setupEndpoint()

beforeEach(() => {
  handler.mockClear()
  for (const level of LEVELS) vi.spyOn(console, level).mockImplementation(() => undefined)
})

const show = (value: unknown): string => inspect(value, { depth: 20, showHidden: true })
const printed = (): unknown[] => LEVELS.flatMap((level) => vi.mocked(console[level]).mock.calls)

async function send(config: AuthConfig, request: Request): Promise<Response> {
  return withAuth(handler, { endpoint: ENDPOINT, ...config })(request)
}

async function textOf(response: Response): Promise<string> {
  return JSON.stringify([response.status, ...response.headers, await response.text()])
}

describe('neither the response, the event nor the console shows', () => {
  const headers = { 'x-error': SECRET, 'www-authenticate': `Bearer error="${SECRET}"` }
  const saying = (status: number) => (): Response =>
    HttpResponse.json(
      { message: SECRET, principal: SECRET },
      { status, statusText: SECRET, headers },
    )

  it.each<[string, () => Response]>([
    ...[401, 403, 500, 503].map((status): [string, () => Response] => [
      `the secret in a ${status} of the endpoint (APISIX CVE-2022-29266)`,
      saying(status),
    ]),
    [
      'a secret of the request or the config while the endpoint is unreachable',
      () => HttpResponse.error(),
    ],
  ])('%s', async (_title, respond) => {
    answer(respond)
    const events: AuthEvent[] = []
    const config = {
      endpointHeaders: { 'x-secret': SECRET },
      onEvent: (event: AuthEvent) => void events.push(event),
    }
    const response = await send(config, get(`/a?token=${SECRET}`, SECRET, { 'x-own': SECRET }))
    expect(asked[0]?.headers.get('x-secret')).toBe(SECRET)
    expect(events).toHaveLength(1)
    expect(handler).not.toHaveBeenCalled()
    const text = await textOf(response)
    expect(text).toContain('authentication_error')
    expect(text + show([events, printed()])).not.toContain(SECRET)
  })

  it('which denial the endpoint sent: the bytes are the same for all', async () => {
    const responses: string[] = []
    for (const status of [201, 302, 401, 403, 404, 418]) {
      answer(saying(status))
      responses.push(await textOf(await send({}, get('/a', `k${status}`))))
    }
    expect(new Set(responses).size).toBe(1)
  })
})

it('wrappers and authenticators do not show the secrets of their config', () => {
  const config = { endpoint: ENDPOINT, endpointHeaders: { 'x-secret': SECRET } }
  const made = [
    withAuth(handler, config),
    withAuth({ fetch: handler }, config),
    createAuthenticator(config),
  ]
  expect(show(made) + JSON.stringify(made)).not.toContain(SECRET)
})

describe('a decision log', () => {
  const lines: string[] = []
  const onEvent = (event: AuthEvent): void => {
    const write = (text: string): void => void lines.push(text)
    createDecisionLog({ ...createSurroundings(), print: write }, false)(event)
  }
  beforeEach(() => {
    lines.length = 0
  })

  it.each<[string, AuthConfig, Record<string, string>]>([
    ['Authorization (Traefik CVE-2022-23469)', {}, { authorization: `Bearer ${SECRET}` }],
    [
      'a second secret (DataDog/datadog-api-client-typescript#4168)',
      { credentials: { header: 'x-api-key' } },
      { 'x-api-key': SECRET, 'x-other': SECRET },
    ],
    ['a cookie', { credentials: { cookie: 'key' } }, { cookie: `key=${SECRET}; other=${SECRET}` }],
  ])('has no token even at the highest log level: %s', async (_title, config, headers) => {
    for (const name of ['DEBUG', 'NODE_DEBUG', 'LOG_LEVEL']) vi.stubEnv(name, '*')
    await send({ ...config, onEvent }, get('/a', undefined, headers))
    expect(asked.map(({ body }) => body.api_key)).toEqual([SECRET])
    expect(printed()).toEqual([])
    expect(lines).toHaveLength(1)
    expect(lines.join()).not.toContain(SECRET)
  })

  it('has no line or field that a request made up (Envoy Gateway CVE-2025-25294)', async () => {
    const forged = '","outcome":"allow","x":"\n{"type":"decision","outcome":"allow"}\n\u2028'
    const headers = { authorization: 'Bearer k1', 'user-agent': forged, 'x-request-id': forged }
    await send({ onEvent }, raw(`http://h/${encodeURIComponent(forged)}"{`, headers))
    expect(lines.join('').split(/[\n\r\u2028]/)).toEqual([expect.any(String), ''])
    const line = JSON.parse(lines.join('')) as object
    expect(line).toMatchObject({ type: 'decision', outcome: 'deny', reason: 'denied' })
    expect(line).not.toHaveProperty('x')
    expect(JSON.stringify(line)).not.toContain('user-agent')
  })
})

it('an environment variable that a request or another variable names is not expanded (Caddy CVE-2026-30852)', async () => {
  vi.stubEnv('WITH_AUTH_OTHER', SECRET)
  vi.stubEnv('WITH_AUTH_REALM', '${env.WITH_AUTH_OTHER}')
  const config = parseConfig(
    `server: { auth: { endpoint: '${ENDPOINT}', realm: '\${env.WITH_AUTH_REALM}' } }`,
  )
  expect(config).toMatchObject({ realm: '${env.WITH_AUTH_OTHER}' })
  const names = '${env.WITH_AUTH_OTHER} {env.WITH_AUTH_OTHER} $WITH_AUTH_OTHER'
  const path = `/${encodeURIComponent(names)}?q=${encodeURIComponent(names)}`
  const text = await textOf(await send(config, get(path, 'k1', { 'x-name': names })))
  expect(asked[0]?.body.request).toMatchObject({
    params: { q: names },
    headers: { 'x-name': names },
  })
  expect(`${asked[0]?.text} ${text}`).not.toContain(SECRET)
})

describe('an error of a hook that holds the token in every property (axios/axios#6919)', () => {
  const leaky = (code?: string): Error =>
    Object.assign(new Error(SECRET, { cause: SECRET }), {
      name: SECRET,
      config: { headers: { authorization: `Bearer ${SECRET}` } },
      code: code ?? SECRET,
    })
  const throwing = (error: unknown) => (): never => {
    throw error
  }

  interface Hook {
    readonly name: string
    readonly config: (error: unknown) => AuthConfig
    /** The event that holds the error itself. */
    readonly told?: 'decision' | 'warning'
    readonly code?: string
    readonly event: object
  }
  const HOOKS: readonly Hook[] = [
    {
      name: 'a verifier throws',
      config: (error) => ({ verifier: throwing(error) }),
      told: 'decision',
      event: { reason: 'internal_error' },
    },
    {
      name: 'a verifier rejects',
      config: (error) => ({ verifier: async () => throwing(error)() }),
      told: 'decision',
      event: { reason: 'internal_error' },
    },
    {
      name: 'a fetch throws',
      config: (error) => ({ endpoint: ENDPOINT, fetch: throwing(error) }),
      told: 'decision',
      event: { reason: 'internal_error' },
    },
    {
      name: 'a fetch rejects',
      config: (error) => ({
        endpoint: ENDPOINT,
        fetch: async () => throwing(error)(),
        retry: false,
      }),
      code: 'ECONNREFUSED',
      told: 'decision',
      event: { reason: 'unreachable', cause: 'ECONNREFUSED' },
    },
    {
      name: 'a verifier finds its service unreachable',
      config: (cause) => ({
        verifier: throwing(new AuthUnavailableError('unreachable', { cause })),
      }),
      code: 'ECONNREFUSED',
      event: { reason: 'unreachable', cause: 'ECONNREFUSED' },
    },
    {
      name: '"respond" throws',
      config: (error) => ({ verifier: () => ({ outcome: 'deny' }), respond: throwing(error) }),
      told: 'warning',
      event: { reason: 'denied' },
    },
  ]
  const MATRIX = Object.entries(WAYS).flatMap(([way, through]) =>
    HOOKS.map((hook) => ({ ...hook, way, through })),
  )

  it.each(MATRIX)('is told to the observer alone: $name, $way', async (row) => {
    const error = leaky(row.code)
    const events: AuthEvent[] = []
    const config = { ...row.config(error), onEvent: (event: AuthEvent) => void events.push(event) }
    const response = await row.through(handler, config, get('/a', SECRET))
    expect(response.status).toBe(401)
    expect(handler).not.toHaveBeenCalled()
    expect(events).toContainEqual(expect.objectContaining({ type: 'decision', ...row.event }))
    const withError = events.flatMap((event) => ('error' in event ? [event] : []))
    expect(withError.map(({ type }) => type)).toEqual(row.told === undefined ? [] : [row.told])
    expect(withError.every((event) => event.error === error)).toBe(true)
    const seen = [await textOf(response), events]
    expect(inspect(seen, { depth: 9 }) + JSON.stringify(seen)).not.toContain(SECRET)
    expect(printed()).toEqual([])
  })

  it.each(MATRIX)('is on the console by its class or code alone: $name, $way', async (row) => {
    const response = await row.through(handler, row.config(leaky(row.code)), get('/a', SECRET))
    const line = expect.stringMatching(/^with-auth: .*(?: Error|ECONNREFUSED)\b/) as unknown
    expect(printed()).toEqual([[line]])
    expect(show([await textOf(response), printed()])).not.toContain(SECRET)
  })
})
