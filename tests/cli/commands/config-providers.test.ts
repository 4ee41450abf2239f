import { writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { configCommand } from '../../../src/cli/commands/config.ts'
import { PROVIDER_ROWS } from '../../yaml/providers/provider-rows.ts'
import { runLine } from '../../support/surroundings.ts'
import { setupFolder } from '../../support/temporary-folder.ts'

/** What `with-auth config` prints about providers. */

const inFolder = setupFolder()

function runConfig(text: string, ...args: string[]) {
  const file = inFolder('run.yaml')
  writeFileSync(file, text)
  return runLine(['config', file, ...args], [configCommand])
}

const inAuth = (auth: string): string => `server: { auth: { ${auth} } }`
const rows = Object.entries(PROVIDER_ROWS).flatMap(([type, all]) =>
  all.map(({ yaml }) => [type, yaml.replaceAll('URL', 'https://h.example')]),
)
const JWKS = 'type: oauth2_token, jwks: { uri: "https://h.example/jwks?k=s3cret", token: s3cret }'
const KEYS = '{ type: local_api_key, api_keys: [s3cret-1, s3cret-2] }'
const ASKED = '{ type: github_token, claims_mapping: { "Org.ids": Teams } }'
const ENDPOINT = 'endpoint: "https://h.example/", context: { headers: [] }'
const KUBERNETES = 'provider_config: { type: kubernetes }, context: { headers: [] }'
const FILE = '{ type: api_keys, file: "FOLDER/keys.yaml" }'
const CACHED = 'cache: { allow_ttl_ms: 60000 }, context: { headers: [] }'
const forAtMost = (seconds: number): string =>
  `a revoked key works for at most ${seconds} s for new requests`
const PROXY =
  '{ type: upstream_header, principal_header: x-user, trusted_proxy_cidrs: [10.0.0.0/8] }'

describe('with-auth config', () => {
  it.each(rows)('prints a provider that can be read again: %s { %s }', async (type, yaml) => {
    writeFileSync(inFolder('keys.yaml'), 'keys: []')
    const keys = yaml?.replaceAll('FOLDER', inFolder('.'))
    const { printed, noted } = await runConfig(
      inAuth(`provider_config: { type: ${type}, ${keys} }`),
    )
    expect(noted).toBe('')
    let count = 0
    const secret = (): string => `a-secret-of-${String((count += 1)).padStart(6, '0')}`
    const again = await runConfig(printed.replaceAll('"[redacted]"', secret))
    // The printed file has the audience, so the advice to write it down is gone.
    const advice = /# Warning: "server\.auth\.provider_config\.audience" is missing: .*\n/
    expect(again).toEqual({ code: 0, noted: '', printed: printed.replace(advice, '') })
  })

  it('names the form of today, with all defaults and without secrets', async () => {
    const { type: _, ...older } = { type: '', jwks_uri: 'https://h.example/jwks', cache_ttl: 60 }
    const { printed } = await runConfig(
      inAuth(`provider_type: oauth2_token, config: ${JSON.stringify(older)}`),
    )
    expect(printed).toContain(`    provider_config:
      type: oauth2_token
      audience:
        - llama-stack
      jwks:
        uri: https://h.example/jwks
        key_recheck_period: 60
      discovery: false
      claims_mapping:
        sub: roles
`)
    const json = await runConfig(inAuth(`provider_config: { ${JWKS} }, realm: s`), '--json')
    expect(JSON.parse(json.printed)).toMatchObject({
      server: {
        auth: {
          provider_config: { jwks: { uri: 'https://h.example/jwks?***', token: '[redacted]' } },
        },
      },
    })
    expect(json.printed).not.toContain('s3cret')
  })

  it.each([
    ['kubernetes', ['"server.auth.route_policy" is missing: any account of any namespace can']],
    [
      'github_token',
      ['"server.auth.provider_config.client_id"', 'provider_config.claims_mapping"'],
    ],
  ])('prints the warnings of %s', async (type, texts) => {
    const auth = inAuth(`provider_config: { type: ${type} }`)
    const { printed } = await runConfig(auth)
    const { warnings } = JSON.parse((await runConfig(auth, '--json')).printed) as {
      warnings: string[]
    }
    for (const text of texts) expect(warnings).toContainEqual(expect.stringContaining(text))
    expect(printed).toContain(`\n# Warning: ${warnings.join('\n# Warning: ')}\n`)
  })

  it('prints several providers, and keys of a mapping as they are written', async () => {
    const { printed } = await runConfig(
      inAuth(`providers: [${KEYS}, ${ASKED}], fall_through: true, allow_insecure_http: true`),
    )
    expect(printed).toContain('    allow_insecure_http: true\n')
    expect(printed).toContain('    fall_through: true\n')
    expect(printed).toContain('          Org.ids: Teams\n')
    expect(printed).not.toContain('s3cret')
  })

  it.each([
    [`provider_config: { ${JWKS} }`, false],
    [`provider_config: ${KEYS}`, false],
    [`provider_config: ${PROXY}`, false],
    [`providers: [${KEYS}, { ${JWKS} }]`, false],
    [`providers: [${KEYS}, ${ASKED}]`, true],
    [`provider_config: ${ASKED}`, true],
    ['endpoint: "https://h.example/"', true],
  ])('prints the options of calls only where calls are made: { %s }', async (auth, makesCalls) => {
    const { printed } = await runConfig(inAuth(`${auth}, retry: { attempts: 2 }`))
    for (const name of ['retry', 'circuit_breaker', 'concurrency']) {
      expect(printed.includes(`    ${name}:\n`)).toBe(makesCalls)
    }
  })

  it.each([
    [`provider_config: { ${JWKS} }`, 'a token works until it ends by itself', null],
    [`provider_config: ${KEYS}`, 'a key works until this process is started without it', null],
    [`provider_config: ${PROXY}`, 'the proxy in front says who calls', null],
    [`provider_config: ${ASKED}, cache: {}`, forAtMost(30), 30_000],
    // The API server of Kubernetes keeps its own decisions for 10 s.
    ['provider_config: { type: kubernetes }, cache: {}', forAtMost(40), 40_000],
    [
      `providers: [${KEYS}, ${ASKED}]`,
      `a key works until this process is started without it; ${forAtMost(5)}`,
      null,
    ],
    [
      `providers: [{ ${JWKS}, issuer: a }, { ${JWKS}, issuer: b }]`,
      'a token works until it ends by itself',
      null,
    ],
    [`${ENDPOINT}, timeout_ms: 200`, forAtMost(0.2), 200],
    // In seconds, rounded up.
    [`${ENDPOINT}, timeout_ms: 1501`, forAtMost(1.6), 1501],
    [`${ENDPOINT}, cache: {}`, forAtMost(30), 30_000],
    [
      `${ENDPOINT}, cache: { allow_ttl_ms: 10000, stale_if_error_ms: 60000 }`,
      forAtMost(70),
      70_000,
    ],
    [`${ENDPOINT}, cache: { allow_ttl_ms: 1000 }, timeout_ms: 8000`, forAtMost(8), 8000],
    // No decision about a key of a file is cached.
    [`provider_config: ${FILE}, ${CACHED}`, forAtMost(1), 1000],
    [
      `providers: [${FILE}, { ${JWKS} }], ${CACHED}`,
      `${forAtMost(1)}; a token works until it ends by itself`,
      null,
    ],
    [
      `providers: [${FILE}, { type: custom, endpoint: "https://h.example/" }], ${CACHED}`,
      forAtMost(60),
      60_000,
    ],
  ])('says what ends a key: %s', async (written, sentence, ms) => {
    writeFileSync(inFolder('keys.yaml'), 'keys: []')
    const auth = inAuth(written.replace('FOLDER', inFolder('.')))
    const { printed } = await runConfig(auth)
    expect(printed).toContain(`\n# ${sentence}\n`)
    const json = await runConfig(auth, '--json')
    expect(JSON.parse(json.printed)).toMatchObject({ revokedKeyWorksForMs: ms })
  })

  const LOST = '{ url: "redis://127.0.0.1", lost_push_ttl_ms: 30000 }'
  it.each([
    [ENDPOINT, '{ url: "redis://127.0.0.1" }', [1, 1, 600]],
    [ENDPOINT, LOST, [1, 30, 600]],
    [KUBERNETES, LOST, [11, 40, 610]],
  ])('says what ends a key with a store: %s, store: %s', async (asked, store, seconds) => {
    const [told = 0, lost = 0, longest = 0] = seconds
    const auth = inAuth(`${asked}, cache: { allow_ttl_ms: 600000 }, store: ${store}`)
    const { printed } = await runConfig(auth)
    const without = lost === told ? '' : `, and ${lost} s while the store cannot be reached`
    expect(printed).toContain(
      `\n# ${forAtMost(told)}${without}; ${longest} s if nobody announces it\n`,
    )
    expect(JSON.parse((await runConfig(auth, '--json')).printed)).toMatchObject({
      revokedKeyWorksForMs: told * 1000,
      revokedKeyWorksWithoutStoreMs: lost * 1000,
      revokedKeyWorksUnannouncedMs: longest * 1000,
    })
  })
})
