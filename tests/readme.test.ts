import { describe, expect, it, vi } from 'vitest'
import { parse } from 'yaml'
import { resolveConfig } from '../src/core/config/parse.ts'
import { createRefusal } from '../src/gateway/refusal.ts'
import { resolveGateway } from '../src/gateway/options.ts'
import { AuthUnavailableError, getAuth, withAuth } from '../src/index.ts'
import { parseConfig } from '../src/yaml.ts'
import { OPTIONS } from '../src/core/config/options.ts'
import { keyOf } from '../src/yaml/setting.ts'
import { readOptionsOfType, readUnion } from './support/documented-types.ts'
import { readFences, readTable, withoutBackticks } from './support/markdown.ts'
import { readText, sorted } from './support/project.ts'
import { ENDPOINT } from './support/msw-endpoint.ts'
import { get, raw } from './support/requests.ts'
import { MODULES } from './support/source-modules.ts'
import { findTypeErrors, isPlace, PLACES } from './support/type-check.ts'
import type { GatewayFailureCode } from '../src/gateway.ts'
import type { AuthConfig, CustomVerifier, DenialReason, Transport } from '../src/index.ts'
import type { Form } from '../src/core/config/kinds.ts'
import type { Fence } from './support/markdown.ts'
import type { Place } from './support/type-check.ts'

const readme = readText('README.md')
const fences = readFences(readme)
const typed = fences.filter(({ language }) => language === 'ts')

const COMPILE = { tags: ['slow'], timeout: 60_000 }

describe('a code block of the README', () => {
  it.each(typed.map(nameBlock('README.md')))('compiles: %s', COMPILE, (_, block) => {
    expect(findTypeErrors(block.code, placeOf(block))).toEqual([])
  })

  it('exists for every runtime, in a language that a test checks', () => {
    expect(new Set(typed.map(({ place }) => place))).toEqual(new Set(Object.keys(PLACES)))
    expect(new Set(fences.map(({ language }) => language))).toEqual(
      new Set(['ts', 'json', 'sh', 'yaml', 'text']),
    )
  })
})

describe('an example in the source', () => {
  const examples = MODULES.flatMap(({ file, text }) =>
    readExamples(text).map(nameBlock(`src/${file}`)),
  )

  it.each(examples)('compiles: %s', COMPILE, (_, block) => {
    expect(block.language).toBe('ts')
    expect(findTypeErrors(block.code, placeOf(block))).toEqual([])
  })

  it('stands under each @example tag', () => {
    const tags = MODULES.flatMap(({ text }) => text.match(/^\s*\* @example\b/gm) ?? [])
    expect(examples.length).toBe(tags.length)
    expect(examples.length).toBeGreaterThan(4)
  })
})

describe('the type check', COMPILE, () => {
  it('finds a misspelt option', () => {
    const code = typed[0]?.code ?? ''
    expect(findTypeErrors(code, '')).toEqual([])
    const misspelt = findTypeErrors(code.replace('endpoint:', 'endpiont:'), '')
    expect(misspelt.join()).toContain("'endpiont' does not exist")
  })

  it.each<[Place, string]>([
    ['node', 'process.pid'],
    ['bun', 'Bun.version'],
    ['deno', 'Deno.pid'],
    ['workers', 'new WebSocketPair()'],
  ])('knows the globals of %s, and only there', (place, code) => {
    expect(findTypeErrors(code, place)).toEqual([])
    expect(findTypeErrors(code, '')).not.toEqual([])
  })
})

describe('the options table', () => {
  const rows = readTable(readme, 'option').map(([name = '', byDefault = '']) => ({
    name: withoutBackticks(name),
    byDefault: withoutBackticks(byDefault),
  }))
  const options = readOptionsOfType('AuthConfig')

  it('has each option of AuthConfig once, and no other', () => {
    expect(rows.map(({ name }) => name)).toEqual(options.map(({ name }) => name))
  })

  it.each(options)('has the documented default of $name', ({ name, defaultText }) => {
    const row = rows.find((candidate) => candidate.name === name)
    const documented = defaultText === undefined ? valueByDefault(name) : defaultText
    expect(row?.byDefault).toBe(withoutBackticks(documented ?? '-'))
  })

  it.each(rows)('has the actual default of $name', ({ name, byDefault }) => {
    expect([byDefault, undefined]).toContain(valueByDefault(name))
  })
})

describe('the tables of the gateway', () => {
  const rows = readTable(readme, 'gateway option')
  const options = readOptionsOfType('GatewayOptions')

  it('have each option with its documented default', () => {
    const written = rows.map(([name = '', byDefault = '']) => [name, withoutBackticks(byDefault)])
    expect(written).toEqual(
      options.map(({ name, defaultText = name === 'upstream' ? 'required' : '-' }) => [
        `\`${name}\``,
        withoutBackticks(defaultText),
      ]),
    )
  })

  it('have the actual defaults', () => {
    const gateway = resolveGateway({ upstream: 'http://127.0.0.1' })
    const inForce = rows.map(([name = '', byDefault = '']) => [
      withoutBackticks(byDefault).replace('_', ''),
      valueIn(gateway, withoutBackticks(name)),
    ])
    const comparable = inForce.filter(([, value]) => value !== undefined)
    expect(comparable.length).toBeGreaterThan(3)
    expect(comparable.filter(([byDefault, value]) => byDefault !== value)).toEqual([])
  })

  it('have each code of a gateway with its status', () => {
    const codes = readUnion('GatewayFailureCode')
    const written = readTable(readme, 'what the gateway finds').map(
      ([, code = '', status = '']) => [withoutBackticks(code), Number(status)],
    )
    expect(sorted(written.map(([code]) => String(code)))).toEqual(sorted(codes))
    for (const [code, status] of written) {
      expect(createRefusal(code as GatewayFailureCode).status).toBe(status)
    }
  })
})

interface Case {
  readonly request?: Request
  readonly options?: AuthConfig
  readonly fetch?: Transport
  readonly verifier?: CustomVerifier
  readonly source?: () => AuthConfig
}

/** A request that the wrapper rejects, for each reason. */
const CASES: Record<DenialReason, Case> = {
  missing_credentials: { request: get('/') },
  malformed_credentials: { request: get('/', '"k1"') },
  denied: { fetch: answering(403) },
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

describe('the table of rejections', () => {
  const rows = readTable(readme, 'what happened').map((cells) => {
    const [, code = '', message = '', asked = '', status = '', status503 = ''] = cells
    return { code: withoutBackticks(code), message, asked, status, status503 }
  })
  const reasons = readUnion('DenialReason')

  it('has each reason once, and no other', () => {
    expect(rows.map(({ code }) => code)).toHaveLength(reasons.length)
    expect(new Set(rows.map(({ code }) => code))).toEqual(new Set(reasons))
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
    expect(unavailable).toEqual({ ...byDefault, status: withoutBackticks(row.status503) })
  })
})

describe('the JSON', () => {
  const [question, answer, rejection] = fences
    .filter(({ language }) => language === 'json')
    .map(({ code }) => JSON.parse(code) as unknown)

  it('is the question to the endpoint, and a possible answer', async () => {
    const fetch = vi.fn<Transport>(async () => Response.json(answer))
    const handler = (request: Request): Response => Response.json(getAuth(request))
    const request = get('/v1/models?limit=10&tag=new&tag=small', 'k1', {
      accept: 'application/json',
    })
    const response = await withAuth(handler, { endpoint: ENDPOINT, fetch })(request)
    expect(JSON.parse(fetch.mock.calls[0]?.[1].body ?? '')).toEqual(question)
    expect(await response.json()).toEqual(answer)
  })

  it('is the body of a rejection', async () => {
    const guarded = withAuth(() => new Response('in'), {
      endpoint: ENDPOINT,
      fetch: answering(403),
    })
    expect(await (await guarded(get('/', 'k1'))).json()).toEqual(rejection)
  })
})

describe('the YAML', () => {
  const [short = '', reference = ''] = fences
    .filter(({ language }) => language === 'yaml')
    .map(({ code }) => code)

  it('parses to the config that the README describes', () => {
    const config = parseConfig(short, { env: { GATEWAY_SECRET: '0123' } })
    expect(config).toEqual({
      endpoint: 'https://auth.example.com/validate',
      endpointHeaders: { 'x-gateway-secret': '0123' },
      timeoutMs: 2000,
      unavailableStatus: 503,
    })
  })

  it('has each key with its default', () => {
    const config = parseConfig(reference)
    const { endpoint } = config
    expect(endpoint).toBeDefined()
    expect({ ...resolveConfig(config), ...UNCOMPARED }).toEqual({
      ...resolveConfig({ endpoint: endpoint ?? '' }),
      ...UNCOMPARED,
    })
    const written = parse(reference) as { server: { auth: object } }
    const keys = keysOfFields(OPTIONS)
    expect(keys).toEqual(expect.arrayContaining(Object.keys(written.server.auth)))
    expect(keys.length).toBeGreaterThan(35)
    expect(keys.filter((key) => !new RegExp(`\\b${key}\\b`).test(reference))).toEqual([])
  })

  it('with an error throws the message of the README', () => {
    const [error = ''] = fences
      .filter(({ language }) => language === 'text')
      .map(({ code }) => code)
    const wrong = 'server:\n  auth:\n    endpoint: https://h/\n    timeout_ms: 5s\n'
    expect(() => parseConfig(wrong, { path: 'run.yaml' })).toThrow(error.trimEnd())
  })
})

/** These functions differ for each config. */
const UNCOMPARED = { isPublic: undefined, fetch: undefined }

function keysOfFields(fields: NonNullable<Form['fields']>): string[] {
  const inFile = Object.entries(fields).filter(([, { form }]) => form.kind !== 'function')
  return inFile.flatMap(([option, { form }]) => [
    keyOf(option),
    ...keysOfFields({ ...form.fields, ...form.items?.fields }),
  ])
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

/** The default as TypeScript. A list or a function cannot be compared. */
function valueByDefault(option: string): string | undefined {
  return valueIn(resolveConfig({}), option)
}

function valueIn(config: object, option: string): string | undefined {
  const found = option
    .split('.')
    .reduce<unknown>((parent, name) => Reflect.get(Object(parent), name), config)
  if (typeof found === 'string') return `'${found}'`
  return typeof found === 'number' || typeof found === 'boolean' ? String(found) : undefined
}

/** The blocks of code in the comments of a module. */
function readExamples(source: string): Fence[] {
  const comments = [...source.matchAll(/\/\*\*.*?\*\//gs)].map(([comment]) => comment)
  return comments.flatMap((comment) => readFences(comment.replace(/^\s*\* ?/gm, '')))
}

function nameBlock(file: string): (block: Fence, index: number) => [string, Fence] {
  return (block, index) => [`${file}, ${index + 1}. block`, block]
}

function placeOf({ place }: Fence): Place {
  if (isPlace(place)) return place
  throw new Error(`A block of code says that it runs in "${place}"`)
}
