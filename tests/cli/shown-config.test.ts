import { describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { showConfig } from '../../src/cli/commands/config.ts'
import { resolveConfig } from '../../src/core/config/parse.ts'
import { parseConfig } from '../../src/yaml.ts'
import type { AuthConfig } from '../../src/index.ts'

function show(config: AuthConfig) {
  return showConfig(config, resolveConfig(config)) as Record<string, unknown>
}

describe('a configuration that is shown', () => {
  it('has all defaults, in the words of the YAML', () => {
    expect(show({ endpoint: 'https://a.example/v' })).toMatchObject({
      endpoint: 'https://a.example/v',
      timeout_ms: 5000,
      circuit_breaker: { min_checks: 10 },
      public: [],
      cache: false,
    })
  })

  it('has no secret', () => {
    const shown = show({
      endpoint: 'https://a.example/v?key=s3cret',
      endpointHeaders: { 'X-Auth-Secret': 's3cret', 'x-theSecond': 's3cret' },
    })
    expect(JSON.stringify(shown)).not.toContain('s3cret')
    expect(shown).toMatchObject({
      endpoint: 'https://a.example/v?[redacted]',
      endpoint_headers: { 'x-auth-secret': '[redacted]', 'x-thesecond': '[redacted]' },
    })
  })

  it('can be read again, and is the same then', () => {
    const config: AuthConfig = {
      endpoint: 'https://a.example/v',
      context: { headers: ['X-Tenant'], params: 'lists' },
      cache: { allowTtlMs: 1000 },
      credentials: ['bearer', { webSocketProtocol: 'key.' }],
      public: ['/healthz', { path: '/hooks/*', methods: ['POST'] }],
      unavailableStatus: 503,
      retry: false,
      requestIdHeader: 'X-Request-Id',
    }
    const shown = show(config)
    const again = parseConfig(stringify({ server: { auth: shown } }))
    expect(show(again)).toEqual(shown)
    expect(resolveConfig(again)).toMatchObject({
      cache: { allowTtlMs: 1000 },
      retry: false,
      requestIdHeader: 'x-request-id',
    })
  })
})
