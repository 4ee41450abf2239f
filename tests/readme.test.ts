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
import {
  readAnchors,
  readCodeSpans,
  readFences,
  readLinks,
  readTable,
  withoutBackticks,
} from './support/markdown.ts'
import { exists, readJson, readText, sorted } from './support/project.ts'
import { ENDPOINT } from './support/msw-endpoint.ts'
import { get, raw } from './support/requests.ts'
import { MODULES } from './support/source-modules.ts'
import { findTypeErrors, isPlace, PLACES } from './support/type-check.ts'
import type { GatewayFailureCode } from '../src/gateway.ts'
import type { AuthConfig, CustomVerifier, DenialReason, Transport } from '../src/index.ts'
import type { Form } from '../src/core/config/kinds.ts'
import type { Fence } from './support/markdown.ts'
import type { Place } from './support/type-check.ts'

const DOCUMENTS = ['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'SECURITY.md']
const readme = readText('README.md')
const fences = readFences(readme)
const typed = fences.filter(({ language }) => language === 'ts')

const COMPILE_MS = 60_000

describe('a code block of the README', () => {
  it.each(typed.map(nameBlock('README.md')))(
    'compiles: %s',
    { timeout: COMPILE_MS },
    (_, block) => {
      expect(findTypeErrors(block.code, placeOf(block))).toEqual([])
    },
  )

  it('is there for every runtime, in a language that is checked', () => {
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

  it.each(examples)('compiles: %s', { timeout: COMPILE_MS }, (_, block) => {
    expect(block.language).toBe('ts')
    expect(findTypeErrors(block.code, placeOf(block))).toEqual([])
  })

  it('stands under each @example tag', () => {
    const tags = MODULES.flatMap(({ text }) => text.match(/^\s*\* @example\b/gm) ?? [])
    expect(examples.length).toBe(tags.length)
    expect(examples.length).toBeGreaterThan(4)
  })
})

describe('the type check', { timeout: COMPILE_MS }, () => {
  const example = typed[0]?.code ?? ''

  it.each([
    ['a misspelt option', 'endpoint:', 'endpiont:', /'endpiont' does not exist/],
    ['a misspelt import', 'getAuth,', 'getAuht,', /no exported member.* 'getAuht'/],
    ['a wrong type', "'https://auth.example.com/validate'", '5', /not assignable/],
    ['a syntax error', 'export default', 'export defualt', /expected/],
  ])('sees %s', (_, from, to, message) => {
    expect(example).toContain(from)
    expect(findTypeErrors(example.replace(from, to), '').join('\n')).toMatch(message)
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

  it('has every option of AuthConfig, once, and no other', () => {
    expect(rows.map(({ name }) => name)).toEqual(options.map(({ name }) => name))
  })

  it.each(options)('has the default that the type documents for $name', ({ name, defaultText }) => {
    const row = rows.find((candidate) => candidate.name === name)
    const documented = defaultText === undefined ? valueByDefault(name) : defaultText
    expect(row?.byDefault).toBe(withoutBackticks(documented ?? '-'))
  })

  it.each(rows)('has the default that is in force for $name', ({ name, byDefault }) => {
    expect([byDefault, undefined]).toContain(valueByDefault(name))
  })
})

describe('the tables of the gateway', () => {
  const rows = readTable(readme, 'gateway option')
  const options = readOptionsOfType('GatewayOptions')

  it('have every option, and the default that the type documents', () => {
    const written = rows.map(([name = '', byDefault = '']) => [name, withoutBackticks(byDefault)])
    expect(written).toEqual(
      options.map(({ name, defaultText = name === 'upstream' ? 'required' : '-' }) => [
        `\`${name}\``,
        withoutBackticks(defaultText),
      ]),
    )
  })

  it('have the defaults that are in force', () => {
    const gateway = resolveGateway({ upstream: 'http://127.0.0.1' })
    const inForce = rows.map(([name = '', byDefault = '']) => [
      withoutBackticks(byDefault).replace('_', ''),
      valueIn(gateway, withoutBackticks(name)),
    ])
    const comparable = inForce.filter(([, value]) => value !== undefined)
    expect(comparable.length).toBeGreaterThan(3)
    expect(comparable.filter(([byDefault, value]) => byDefault !== value)).toEqual([])
  })

  it('have every code that a gateway answers with, and its status', () => {
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

/** What makes the wrapper refuse for each reason. */
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

describe('the table of refusals', () => {
  const rows = readTable(readme, 'what happened').map((cells) => {
    const [, code = '', message = '', asked = '', status = '', status503 = ''] = cells
    return { code: withoutBackticks(code), message, asked, status, status503 }
  })
  const reasons = readUnion('DenialReason')

  it('has every reason, once, and no other', () => {
    expect(rows.map(({ code }) => code)).toHaveLength(reasons.length)
    expect(new Set(rows.map(({ code }) => code))).toEqual(new Set(reasons))
  })

  it.each(rows)('says what is answered for $code', async ({ code, ...row }) => {
    vi.spyOn(console, 'error').mockImplementation(() => undefined)
    const made = CASES[code as DenialReason]
    const byDefault = await refuse(made, 401)
    const unavailable = await refuse(made, 503)
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
  const [question, answer, refusal] = fences
    .filter(({ language }) => language === 'json')
    .map(({ code }) => JSON.parse(code) as unknown)

  it('is what the endpoint is sent, and what it may answer', async () => {
    const fetch = vi.fn<Transport>(async () => Response.json(answer))
    const handler = (request: Request): Response => Response.json(getAuth(request))
    const request = get('/v1/models?limit=10&tag=new&tag=small', 'k1', {
      accept: 'application/json',
    })
    const response = await withAuth(handler, { endpoint: ENDPOINT, fetch })(request)
    expect(JSON.parse(fetch.mock.calls[0]?.[1].body ?? '')).toEqual(question)
    expect(await response.json()).toEqual(answer)
  })

  it('is what a caller is refused with', async () => {
    const guarded = withAuth(() => new Response('in'), {
      endpoint: ENDPOINT,
      fetch: answering(403),
    })
    expect(await (await guarded(get('/', 'k1'))).json()).toEqual(refusal)
  })
})

describe('the YAML', () => {
  const [short = '', reference = ''] = fences
    .filter(({ language }) => language === 'yaml')
    .map(({ code }) => code)

  it('is read as it says', () => {
    const config = parseConfig(short, { env: { GATEWAY_SECRET: '0123' } })
    expect(config).toEqual({
      endpoint: 'https://auth.example.com/validate',
      endpointHeaders: { 'x-gateway-secret': '0123' },
      timeoutMs: 2000,
      unavailableStatus: 503,
    })
  })

  it('has every key, with the value that is in force without it', () => {
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

  it('that is wrong is refused as it says', () => {
    const [error = ''] = fences
      .filter(({ language }) => language === 'text')
      .map(({ code }) => code)
    const wrong = 'server:\n  auth:\n    endpoint: https://h/\n    timeout_ms: 5s\n'
    expect(() => parseConfig(wrong, { path: 'run.yaml' })).toThrow(error.trimEnd())
  })
})

/** Functions that are made anew for each config. */
const UNCOMPARED = { isPublic: undefined, fetch: undefined }

function keysOfFields(fields: NonNullable<Form['fields']>): string[] {
  const inFile = Object.entries(fields).filter(([, { form }]) => form.kind !== 'function')
  return inFile.flatMap(([option, { form }]) => [
    keyOf(option),
    ...keysOfFields({ ...form.fields, ...form.items?.fields }),
  ])
}

describe.each(DOCUMENTS)('%s', (document) => {
  const text = readText(document)

  it('links to what exists', () => {
    const local = readLinks(text).filter((target) => !target.startsWith('https:'))
    expect(local.filter((target) => !leadsSomewhere(target, document))).toEqual([])
  })

  it('names files and commands that exist', () => {
    const spans = readCodeSpans(text)
    const files = spans.filter((span) =>
      /^(?:(?:src|tests|examples|\.ci)\/[^\s*]*|[\w.-]+\.(?:md|json|[cm]?[jt]s))$/.test(span),
    )
    expect(files.filter((file) => !exists(file))).toEqual([])
    const { scripts } = readJson<{ scripts: Record<string, string> }>('package.json')
    const commands = [...text.matchAll(/\bnpm run ([\w:-]+)/g)].map(({ 1: name = '' }) => name)
    expect(commands.filter((name) => !Object.hasOwn(scripts, name))).toEqual([])
  })
})

it('SECURITY.md names the tests of each of its invariants', () => {
  const [, list = ''] = readText('SECURITY.md').split('## Invariants')
  const invariants = list.split(/^\d+\. /m).slice(1)
  expect(invariants).toHaveLength(14)
  expect(invariants.filter((invariant) => !/`tests\/[\w/-]+\.test\.ts`/.test(invariant))).toEqual(
    [],
  )
})

interface Refusal {
  readonly code: string
  readonly message: string
  readonly status: string
  readonly asked: string
}

async function refuse(made: Case, unavailableStatus: 401 | 503): Promise<Refusal> {
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

function leadsSomewhere(target: string, document: string): boolean {
  const [file = '', anchor] = target.split('#')
  const found = file === '' ? document : file
  if (!exists(found)) return false
  return anchor === undefined || readAnchors(readText(found)).includes(anchor)
}

function answering(status: number): Transport {
  return async () => new Response(null, { status })
}

function throwing(error: Error): () => never {
  return () => {
    throw error
  }
}

/** The default as TypeScript, where it is one value; a list or a function has none to compare. */
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

/** The blocks within the comments of a module. */
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
