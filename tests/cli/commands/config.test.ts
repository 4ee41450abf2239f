import { writeFileSync } from 'node:fs'
import { describe, expect, it, vi } from 'vitest'
import { parse } from 'yaml'
import { configCommand } from '../../../src/cli/commands/config.ts'
import { parseStoreOptions } from '../../../src/redis/options.ts'
import { runLine } from '../../support/surroundings.ts'
import { setupFolder } from '../../support/temporary-folder.ts'

const inFolder = setupFolder()

function runConfig(text: string, ...args: string[]) {
  const file = inFolder('run.yaml')
  writeFileSync(file, text)
  return runLine(['config', file, ...args], [configCommand])
}

const HIDDEN = '(hidden because it may be a secret)'
const KEY = 'withauth_4fK2pQ7xV9bN1mZ8sD3gH6jL5wR0tY2uE4iO7aC9vB1nM3k'

const RUN_YAML = `
version: 2
server:
  port: 8321
  auth:
    endpoint: https://auth.example.com/validate
    endpoint_headers: { x-secret: "\${env.WITH_AUTH_TEST_SECRET}" }
    context: { headers: [] }
    cache: { allow_ttl_ms: 12000, stale_if_error_ms: 3000 }
`

describe('with-auth config', () => {
  it('prints the effective configuration without secrets, and how long a revoked key works', async () => {
    vi.stubEnv('WITH_AUTH_TEST_SECRET', 's3cret')
    const { code, printed, noted } = await runConfig(RUN_YAML)
    const json = await runConfig(RUN_YAML, '--json')
    vi.unstubAllEnvs()
    expect({ code, noted }).toEqual({ code: 0, noted: '' })
    expect(printed).toContain('    allow_ttl_ms: 12000\n')
    expect(printed).toContain('    timeout_ms: 5000\n')
    expect(printed).toMatch(/\n# a revoked key works for at most 15 s for new requests\n$/)
    expect(printed).not.toContain('port')
    expect(JSON.parse(json.printed)).toMatchObject({
      server: { auth: { timeout_ms: 5000, endpoint_headers: { 'x-secret': '[redacted]' } } },
      revokedKeyWorksForMs: 15_000,
    })
    expect(printed + json.printed).not.toContain('s3cret')
  })

  it('prints every option under its YAML key', async () => {
    const minimal = 'server: { auth: { endpoint: "https://auth.example.com/v?k=s3cret" } }'
    expect(await runConfig(minimal)).toEqual({
      code: 0,
      noted: '',
      printed: `server:
  auth:
    endpoint: https://auth.example.com/v?[redacted]
    allow_insecure_http: false
    context:
      headers: all
      params: values
      path: true
      method: false
    credentials:
      - bearer
    identity: optional
    resource: false
    timeout_ms: 5000
    retry:
      attempts: 1
    circuit_breaker:
      open_ms: 5000
    concurrency:
      max_in_flight: 64
      max_waiting: 1024
    cache: false
    unavailable_status: 401
    public: []
    preflight: deny
    mode: enforce
    realm: api
    request_id_header: false
    tenant: false
    tenant_field: tenant

# a revoked key works for at most 5 s for new requests
`,
    })
  })

  const withStore = (section: string): string =>
    `server: { auth: { endpoint: "https://a.example/", cache: {}, context: { headers: [] }, store: ${section} } }`

  it('prints every option of the store, without secrets', async () => {
    writeFileSync(inFolder('ca.pem'), '-----BEGIN CERTIFICATE-----s3cret')
    const secret = 's3cret'.repeat(6)
    const shared = `share_verdicts: true, secret: [${secret}, ${secret}2], scope: keys`
    const times = 'revocation_ms: 500, lost_push_ttl_ms: 20000, timeout_ms: 20'
    const tls = `tls: { ca_file: "${inFolder('ca.pem')}" }`
    const section = `{ url: "rediss://u:s3cret@h", ${shared}, ${times}, prefix: "p:", ${tls} }`
    const { code, printed } = await runConfig(withStore(section))
    expect(code).toBe(0)
    expect(printed).toContain(`
    store:
      url: "[redacted]"
      secret: "[redacted]"
      share_verdicts: true
      revocation_ms: 500
      lost_push_ttl_ms: 20000
      timeout_ms: 20
      prefix: "p:"
      scope: keys
      tls:
        ca_file: ${inFolder('ca.pem')}

`)
    expect(printed).not.toContain('s3cret')
  })

  it('prints the defaults that the store has', async () => {
    const { printed } = await runConfig(withStore('{ url: "redis://h" }'), '--json')
    const { settings } = parseStoreOptions({ url: 'redis://h' })
    const { server } = JSON.parse(printed) as { server: { auth: { store: unknown } } }
    expect(server.auth.store).toEqual({
      url: '[redacted]',
      share_verdicts: false,
      revocation_ms: settings.revocationMs,
      lost_push_ttl_ms: settings.lostPushTtlMs,
      timeout_ms: settings.timeoutMs,
      prefix: settings.prefix,
    })
  })

  it('lists all problems with --json, and no value that may be a secret', async () => {
    const wrong = 'timeout_ms: 0, cache: {}, endpoint_headers: { x-key: é s3cret }'
    const text = `server: { auth: { endpoint: "https://a.b", ${wrong} } }`
    expect((await runConfig(text)).printed).toBe('')
    const { code, printed } = await runConfig(text, '--json')
    expect(code).toBe(1)
    expect(JSON.parse(printed)).toEqual({
      problems: [
        {
          line: 1,
          column: 56,
          option: 'server.auth.timeout_ms',
          expected: 'a number of milliseconds from 1 to 60000',
          received: '0',
        },
        {
          line: 1,
          column: 66,
          option: 'server.auth.cache',
          expected: expect.stringMatching(/^false unless "context.headers" is a list/) as string,
        },
        {
          line: 1,
          column: 97,
          option: 'server.auth.endpoint_headers.x-key',
          expected: 'a non-empty string of printable ASCII',
        },
      ],
    })
  })

  it.each([
    ['lost.yaml', 'lost.yaml'],
    ['.', '.'],
    [KEY, HIDDEN],
    [`./${KEY}`, HIDDEN],
  ])('names FILE for %s, and never shows a key given instead', async (file, shown) => {
    const inText = await runLine(['config', file], [configCommand])
    const inJson = await runLine(['config', file, '--json'], [configCommand])
    expect([inText.code, inJson.code]).toEqual([1, 1])
    expect(inText.noted.startsWith(`with-auth: FILE ${shown}: `)).toBe(true)
    expect(inJson.noted).toContain(`FILE ${shown}: `)
    expect(inText.noted + inJson.noted).not.toContain(KEY)
  })

  it('hides a file name that is a key', async () => {
    writeFileSync(inFolder(KEY), 'server: [')
    const { code, noted } = await runLine(['config', inFolder(KEY)], [configCommand])
    expect(code).toBe(1)
    expect(noted).toContain(`${HIDDEN}:1:`)
    expect(noted).not.toContain(KEY)
  })

  it('escapes terminal control characters, and stays valid YAML and JSON', async () => {
    const hostile = String.raw`server: { auth: { endpoint: "https://a.example/\u202eb\u200b" } }`
    const inText = await runConfig(hostile)
    const inJson = await runConfig(hostile, '--json')
    expect(inText.printed + inJson.printed).toMatch(/^[\x20-\x7e\n]+$/)
    const expected = {
      server: { auth: { endpoint: 'https://a.example/\u202Eb\u200B', mode: 'enforce' } },
    }
    expect(parse(inText.printed)).toMatchObject(expected)
    expect(JSON.parse(inJson.printed)).toMatchObject(expected)
  })

  it('prints what can be read again with the same result', async () => {
    const first = await runConfig(`server:
  auth:
    endpoint: https://a.example/v
    context: { headers: [X-Tenant], params: lists }
    cache: { allow_ttl_ms: 1000 }
    credentials: [bearer, { web_socket_protocol: key. }]
    public: [/healthz, { path: /hooks/*, methods: [POST] }]
    unavailable_status: 503
    retry: false
    request_id_header: X-Request-Id
    tenant_field: org.id
    tenant: { default: acme }
    route_policy:
      - { forbid: { paths: [/v1/admin*], methods: [GET] }, unless: user with admin in roles }
      - { permit: { paths: "*" }, description: All }
    resource:
      identifier: https://api.example.com/mcp
      authorization_servers: [https://login.example.com]
      require: [mcp:read]
`)
    expect(first).toMatchObject({ code: 0, noted: '' })
    expect(first.printed).toContain('\n# Warning: Rule 0 of the route policy forbids some paths')
    const { server } = parse(first.printed) as { server: object }
    expect(server).toMatchObject({
      auth: {
        context: { headers: ['x-tenant'], params: 'lists' },
        cache: { allow_ttl_ms: 1000 },
        credentials: ['bearer', { web_socket_protocol: 'key.' }],
        public: ['/healthz', { path: '/hooks/*', methods: ['POST'] }],
        retry: false,
        request_id_header: 'x-request-id',
        tenant_field: 'org.id',
        tenant: { mode: 'multi', default: 'acme' },
        route_policy: [
          {
            forbid: { paths: ['/v1/admin*'], methods: ['GET'] },
            unless: 'user with admin in roles',
          },
          { permit: { paths: '*' }, description: 'All' },
        ],
        resource: { require: ['mcp:read'] },
      },
    })
    // An empty name and empty lists are left out.
    expect((server as { auth: { resource: unknown } }).auth.resource).toEqual({
      identifier: 'https://api.example.com/mcp',
      authorization_servers: ['https://login.example.com'],
      require: ['mcp:read'],
    })
    expect(await runConfig(first.printed)).toEqual(first)
  })
})
