import { readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, it, vi } from 'vitest'
import { parse } from 'yaml'
import { kindOf, kindsOf } from '../../scripts/docs/option-kinds.ts'
import { TENANT_OPTION } from '../../src/verifiers/tenancy.ts'
import { OPTIONS } from '../../src/core/config/options.ts'
import { resolveConfig } from '../../src/core/config/parse.ts'
import { getAuth, withAuth } from '../../src/index.ts'
import { createKey, listKeys } from '../../src/keys.ts'
import { RESOURCE } from '../../src/mcp/options.ts'
import { CACHE } from '../../src/yaml/cache-section.ts'
import { parseConfig } from '../../src/yaml.ts'
import { keyOf } from '../../src/yaml/values.ts'
import { ENDPOINT } from '../support/msw-endpoint.ts'
import { get } from '../support/requests.ts'
import { setupFolder } from '../support/temporary-folder.ts'
import { pageNamed } from './pages.ts'
import type { Form } from '../../scripts/docs/option-kinds.ts'
import type { Transport } from '../../src/index.ts'

/** The JSON and YAML that pages show is what the code sends, reads and throws. */

const pathOf = setupFolder()

function blocksOf(file: string, language: string): string[] {
  return pageNamed(file)
    .fences.filter((fence) => fence.language === language)
    .map(({ code }) => code)
}

it.each([
  ['docs/auth-endpoint.md', '/v1/models?limit=10&tag=new&tag=small'],
  ['README.md', '/v1/models?limit=10'],
])('%s shows the question and a possible answer', async (file, target) => {
  const [question, answer] = blocksOf(file, 'json').map((code) => JSON.parse(code) as unknown)
  const fetch = vi.fn<Transport>(async () => Response.json(answer))
  const handler = (request: Request): Response => Response.json(getAuth(request))
  const request = get(target, 'k1', { accept: 'application/json' })
  const response = await withAuth(handler, { endpoint: ENDPOINT, fetch })(request)
  expect(JSON.parse(fetch.mock.calls[0]?.[1].body ?? '')).toEqual(question)
  expect(await response.json()).toEqual(answer)
})

it('docs/errors.md shows the body of a rejection', async () => {
  const [rejection = ''] = blocksOf('docs/errors.md', 'json')
  const fetch: Transport = async () => new Response(null, { status: 403 })
  const guarded = withAuth(() => new Response('in'), { endpoint: ENDPOINT, fetch })
  expect(await (await guarded(get('/', 'k1'))).json()).toEqual(JSON.parse(rejection))
})

describe('docs/keys.md', () => {
  it('shows a key file that is valid, and means what it shows', async () => {
    const [file, code = ''] = [pathOf('keys.yaml'), ...blocksOf('docs/keys.md', 'yaml')]
    writeFileSync(file, code)
    const alice = { principal: 'alice', attributes: { roles: ['admin'] }, paths: ['/v1'] }
    expect(await listKeys(file)).toMatchObject([
      { id: 'key_i5xq2mzkd7ha', ...alice },
      { id: 'ci', principal: 'ci', status: 'revoked', revoked: true },
    ])
    await createKey(file, { principal: 'bob' })
    expect(readFileSync(file, 'utf8')).toContain("# Alice's laptop")
  })

  it('shows a pattern that finds a key', async () => {
    const { key } = await createKey(pathOf('keys.yaml'), { principal: 'alice' })
    const [, pattern = ''] = /`(withauth_\[[^`]+)`/.exec(pageNamed('docs/keys.md').text) ?? []
    expect(`x="${key}";`.match(new RegExp(pattern, 'g'))).toEqual([key])
  })
})

describe('docs/yaml.md', () => {
  const [short = '', reference = ''] = blocksOf('docs/yaml.md', 'yaml')

  it('begins with a config that the loader reads', () => {
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
    const keys = keysOfFields({
      ...kindsOf(OPTIONS),
      tenantField: { form: { kind: 'text' } },
      tenant: { form: kindOf(TENANT_OPTION) },
      cache: { form: kindOf(CACHE) },
      resource: { form: { kind: 'group', fields: kindsOf(RESOURCE) } },
    })
    expect(keys).toEqual(expect.arrayContaining(Object.keys(written.server.auth)))
    expect(keys.length).toBeGreaterThan(35)
    expect(keys.filter((key) => !new RegExp(`\\b${key}\\b`).test(reference))).toEqual([])
  })

  it('shows the message of an error', () => {
    const [error = ''] = blocksOf('docs/yaml.md', 'text')
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
