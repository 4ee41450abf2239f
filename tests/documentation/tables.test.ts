import { describe, expect, it, vi } from 'vitest'
import { resolveConfig } from '../../src/core/config/parse.ts'
import { createFailure } from '../../src/forward-auth/failure.ts'
import { resolveForwardAuth } from '../../src/forward-auth/options.ts'
import { resolveGateway } from '../../src/gateway/options.ts'
import { createRefusal } from '../../src/gateway/refusal.ts'
import { AuthUnavailableError, memoryCache, withAuth } from '../../src/index.ts'
import { parseEndpointOptions } from '../../src/keys/options.ts'
import { readOptionsOfType, readUnion } from '../../scripts/docs/documented-types.ts'
import { readTable, withoutBackticks } from '../support/markdown.ts'
import { ENDPOINT } from '../support/msw-endpoint.ts'
import { readText, sorted } from '../support/project.ts'
import { get, raw } from '../support/requests.ts'
import type { ForwardAuthFailureCode } from '../../src/forward-auth.ts'
import { protectedResource } from '../../src/mcp.ts'
import type { GatewayFailureCode } from '../../src/gateway.ts'
import type { AuthConfig, DenialReason, Transport, Verifier } from '../../src/index.ts'

/** Tables and sections of the documentation that the code decides. */

it('the comments of the options state the actual defaults', () => {
  const inForce = { AuthConfig: resolveConfig({}), MemoryCacheOptions: memoryCache().describe() }
  const comparable = Object.entries(inForce).flatMap(([type, values]) =>
    readOptionsOfType(type).flatMap(({ name, defaultText = 'false' }) => {
      const actual = valueIn(values, name)
      return actual === undefined ? [] : [{ name, stated: defaultText, actual }]
    }),
  )
  expect(comparable.length).toBeGreaterThan(20)
  expect(comparable.filter(({ stated, actual }) => stated !== actual)).toEqual([])
})

describe.each([
  [
    'docs/gateway-reference.md',
    'gateway option',
    'GatewayOptions',
    resolveGateway({ upstream: 'http://127.0.0.1' }),
  ],
  [
    'docs/forward-auth.md',
    'forward auth option',
    'ForwardAuthOptions',
    resolveForwardAuth({ for: 'nginx' }),
  ],
  ['docs/keys.md', 'option', 'KeyEndpointOptions', parseEndpointOptions({})],
] as const)('the table of options in %s', (file, head, type, inForce) => {
  const rows = readTable(readText(file), head).map(([name = '', byDefault = '']) => ({
    name: withoutBackticks(name),
    byDefault: withoutBackticks(byDefault),
  }))

  it('has each option once, in the order of the type', () => {
    expect(rows.map(({ name }) => name)).toEqual(readOptionsOfType(type).map(({ name }) => name))
  })

  it('has the actual defaults', () => {
    const comparable = rows.filter(({ name }) => valueIn(inForce, name) !== undefined)
    expect(comparable).not.toEqual([])
    const wrong = comparable.filter(
      ({ name, byDefault }) => byDefault.replace('_', '') !== valueIn(inForce, name),
    )
    expect(wrong).toEqual([])
  })
})

it('the table of answers in docs/forward-auth.md has each code of forward auth, and its status', () => {
  const rows = readTable(readText('docs/forward-auth.md'), 'subrequest').map(
    ([, code = '', status = '']) => [withoutBackticks(code), status],
  )
  const wanted = readUnion('ForwardAuthFailureCode').map((code) => {
    const { status } = createFailure(code as ForwardAuthFailureCode, [])
    return [code, String(status)]
  })
  expect(wanted).toHaveLength(5)
  expect(rows).toEqual(expect.arrayContaining(wanted))
})

describe('docs/errors.md', () => {
  const page = readText('docs/errors.md')
  const reasons = readUnion('DenialReason')
  const codes = readUnion('GatewayFailureCode')
  const rows = readTable(page, 'what happened').map((cells) => {
    const [, code = '', message = '', asked = '', status = '', status503 = ''] = cells
    return { code: withoutBackticks(code), message, asked, status, status503 }
  })
  const gatewayRows = readTable(page, 'what the gateway finds').map(
    ([, code = '', status = '']) => ({ code: withoutBackticks(code), status }),
  )

  it('has each reason and each code of the gateway once in its table', () => {
    expect(sorted(rows.map(({ code }) => code))).toEqual(sorted(reasons))
    expect(sorted(gatewayRows.map(({ code }) => code))).toEqual(sorted(codes))
  })

  it.each(rows)('has the response for $code', async ({ code, ...row }) => {
    vi.spyOn(console, 'error').mockImplementation(() => undefined)
    const made = CASES[code as DenialReason]
    const byDefault = await reject(made, 401)
    const unavailable = await reject(made, 503)
    expect(byDefault).toEqual({
      code,
      message: row.message,
      status: row.status,
      asked: row.asked === '-' ? byDefault.asked : row.asked,
    })
    const status = withoutBackticks(row.status503)
    const message = UNAVAILABLE[status.slice(0, 3)] ?? row.message
    expect(unavailable).toEqual({ ...byDefault, status, message })
    expect(page).toContain(message)
  })

  it.each(gatewayRows)('has the status of the gateway for $code', ({ code, status }) => {
    expect(status).toBe(String(createRefusal(code as GatewayFailureCode, 'GET').status))
  })

  it.each([...rows, ...gatewayRows])(
    'has a section for $code, with its status',
    ({ code, ...row }) => {
      const sections = readSections(page).filter(({ title }) => title === `\`${code}\``)
      expect(sections).toHaveLength(1)
      const statuses = Object.values(row).flatMap((cell) => /^\d{3}\b/.exec(cell) ?? [])
      expect(statuses.filter((status) => !sections[0]?.text.includes(status))).toEqual([])
    },
  )
})

/** The last column, as the page describes it. */
const UNAVAILABLE: Readonly<Record<string, string>> = {
  429: 'Too many authentication requests',
  503: 'Authentication service unavailable',
}

interface Case {
  readonly request?: Request
  readonly options?: AuthConfig
  readonly fetch?: Transport
  readonly verifier?: Verifier
  readonly source?: () => AuthConfig
}

/** A request that the wrapper rejects, for each reason. */
const CASES: Record<DenialReason, Case> = {
  missing_credentials: { request: get('/') },
  malformed_credentials: { request: get('/', 'k1,k2') },
  denied: { fetch: answering(403) },
  forbidden: { verifier: () => ({ outcome: 'deny', reason: 'forbidden' }) },
  insufficient_scope: {
    verifier: () => ({ outcome: 'allow' }),
    options: {
      resource: protectedResource({
        identifier: 'https://api.example.test/',
        authorizationServers: ['https://login.example.test'],
        require: ['notes'],
      }),
    },
  },
  rate_limited: { fetch: answering(429) },
  service_error: { fetch: answering(500) },
  timeout: { options: { timeoutMs: 5 }, fetch: () => new Promise(() => undefined) },
  unreachable: { fetch: () => Promise.reject(new TypeError('fetch failed')) },
  invalid_response: { options: { identity: 'required' }, fetch: answering(200) },
  circuit_open: { verifier: throwing(new AuthUnavailableError('circuit_open')) },
  overloaded: { verifier: throwing(new AuthUnavailableError('overloaded')) },
  internal_error: { verifier: throwing(new Error('bug')) },
  malformed_request: { request: raw('https://h/a/../b', { authorization: 'Bearer k1' }) },
  not_configured: { source: throwing(new Error('bug')) },
}

interface Rejection {
  readonly code: string
  readonly message: string
  readonly status: string
  readonly asked: string
}

async function reject(made: Case, unavailableStatus: 401 | 503): Promise<Rejection> {
  const { request = get('/', 'k1'), options, verifier } = made
  const fetch = vi.fn<Transport>(made.fetch ?? answering(200))
  const base = verifier === undefined ? { endpoint: ENDPOINT, fetch } : { verifier }
  const source = made.source ?? { ...base, ...options, unavailableStatus }
  const response = await withAuth(() => new Response('in'), source)(request)
  const { error } = (await response.json()) as { error: { code: string; message: string } }
  return {
    code: error.code,
    message: error.message,
    status: `${response.status}${response.headers.has('retry-after') ? ', Retry-After' : ''}`,
    asked: fetch.mock.calls.length > 0 ? 'yes' : 'no',
  }
}

function answering(status: number): Transport {
  return async () => new Response(null, { status })
}

function throwing(error: Error): () => never {
  return () => {
    throw error
  }
}

interface Section {
  readonly title: string
  readonly text: string
}

/** The sections of the second level. */
function readSections(markdown: string): Section[] {
  return markdown
    .split(/^## /m)
    .slice(1)
    .map((section) => {
      const [title = '', ...lines] = section.split('\n')
      return { title, text: lines.join('\n') }
    })
}

/** The value of an option as TypeScript. `undefined` for a list or a function, which cannot be compared. */
function valueIn(config: object, option: string): string | undefined {
  const found = option
    .split('.')
    .reduce<unknown>((parent, name) => Reflect.get(Object(parent), name), config)
  if (typeof found === 'string') return `'${found}'`
  return typeof found === 'number' || typeof found === 'boolean' ? String(found) : undefined
}
