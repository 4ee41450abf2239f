import { describe, expect, it, vi } from 'vitest'
import { readRecording } from '../../recorded/recording.ts'
import { keyOf } from '../../support/issuer.ts'
import { setupFolder } from '../../support/temporary-folder.ts'
import { startService } from '../../support/verifier-service.ts'
import { createCheck } from '../support/checked.ts'
import type { Answer } from '../../support/verifier-service.ts'

/** What `with-auth check --config` says about issuers and introspection endpoints. */

const check = createCheck(setupFolder())

interface Keycloak {
  readonly issuer: string
  readonly discovery: object
  readonly keys: { readonly keys: readonly object[] }
  readonly asked: Readonly<Record<string, { readonly status: number; readonly body: string }>>
}

const keycloak = readRecording<Keycloak>('keycloak')
const { jwk } = await keyOf('ES256', 'a')
const { jwk: rsa } = await keyOf('RS384', 'b')
const { jwk: edwards } = await keyOf('EdDSA', 'c')
const unusable = [
  { ...edwards, crv: 'Ed448', alg: 'EdDSA' },
  { ...jwk, crv: 'secp256k1' },
]

/** A realm of Keycloak 26 with recorded answers, which calls itself by the URL that it is reached at, with this at its end. */
const realm =
  (suffix = '', introspected = 'my-api noise'): Answer =>
  ({ url, headers }) => {
    const name = `http://${headers.host}`
    const metadata = JSON.stringify(keycloak.discovery)
      .replaceAll(keycloak.issuer, name)
      .replace(`"issuer":"${name}"`, `"issuer":"${name}${suffix}"`)
    if (url === '/.well-known/openid-configuration') return { text: metadata }
    if (url === '/protocol/openid-connect/certs') return { json: keycloak.keys }
    const { status = 404, body = '' } = keycloak.asked[introspected] ?? {}
    return { status, text: body }
  }
const hang: Answer = () => undefined

const DISCOVERED = `provider_config:
  type: oauth2_token
  issuer: URL
  audience: my-api
  discovery: true`
const BY_KEYS = `provider_config:
  type: oauth2_token
  issuer: me
  audience: my-api
  jwks:
    uri: URL/keys`
const INTROSPECTED = `provider_config:
  type: oauth2_token
  audience: my-api
  introspection:
    client_secret: s3cret-0123456789
    url: URL/protocol/openid-connect/token/introspect
    client_id: my-api`

/** Checks a file about a service. In the file and in what is said, URL is where the service is. */
async function checkAt(answer: Answer, file: string, args: readonly string[] = []) {
  const service = await startService(answer)
  const host = `127.0.0.1:${service.port}`
  const { code, printed } = await check(file.replaceAll('URL', `http://${host}`), args)
  const text = printed.replaceAll(`http://${host}`, 'URL').replaceAll(host, 'HOST')
  return { code, says: text.replaceAll('run.yaml:', '').trimEnd(), calls: service.calls }
}

const NOT_ACCEPTED = 'URL/protocol/openid-connect/token/introspect does not accept this client'
const CORRECT_CLIENT =
  '    Correct "client_id" and "client_secret", or register the client. Some servers also want "send_secret_in_body".'
const MISSPELT = `The issuer calls itself URL/realms/acme, and the file calls it URL: every token is denied.
    Set "issuer" to the text that the issuer gives, if it is yours.`

describe('an issuer', () => {
  it.each<[name: string, Answer, file: string, exit: number, says: string]>([
    [
      'whose keys can be read',
      realm(),
      DISCOVERED,
      0,
      `5: ok: The issuer says that this is its name.
5: ok: URL/protocol/openid-connect/certs has 10 keys for signatures: RS256, RS384, ES256, PS256, PS384, EdDSA, ES384, ES512, 2 more. Left out: 1.
no errors, no warnings`,
    ],
    [
      'whose keys name no algorithm, or have curves that nothing here uses',
      () => ({ json: { keys: [jwk, rsa, edwards, ...unusable] } }),
      `${BY_KEYS.replace('uri:', 'key_recheck_period: 60\n    uri:')}\n  types: [at+jwt]`,
      0,
      `9: ok: URL/keys has 3 keys for signatures: ES256, RSA, EdDSA. Left out: 2.
no errors, no warnings`,
    ],
    [
      'whose keys are in the folder of its metadata',
      (call, response) =>
        call.url === '/.well-known/jwks.json'
          ? { json: { keys: [jwk] } }
          : realm('/realms/acme')(call, response),
      BY_KEYS.replace('issuer: me', 'issuer: URL').replace('/keys', '/.well-known/jwks.json'),
      1,
      `5: error: ${MISSPELT}
8: ok: URL/.well-known/jwks.json has 1 key for signatures: ES256.`,
    ],
    [
      'whose set of keys is longer than other answers may be',
      () => ({ json: { keys: [jwk], more: 'x'.repeat(200_000) } }),
      BY_KEYS,
      0,
      `8: ok: URL/keys has 1 key for signatures: ES256.
no errors, no warnings`,
    ],
    [
      'whose name is no URL, though there is one in it',
      () => ({ json: { keys: [jwk] } }),
      BY_KEYS.replace('issuer: me', 'issuer: a tenant of URL'),
      0,
      `8: ok: URL/keys has 1 key for signatures: ES256.
no errors, no warnings`,
    ],
    [
      'whose metadata is at the second place',
      ({ url = '', headers }) => {
        if (url === '/keys') return { json: { keys: [jwk] } }
        if (url.includes('openid')) return { status: 404, json: { error: 'not_found' } }
        const name = `http://${headers.host}`
        return { json: { issuer: name, jwks_uri: `${name}/keys` } }
      },
      BY_KEYS.replace('issuer: me', 'issuer: URL'),
      0,
      `5: ok: The issuer says that this is its name.
8: ok: URL/keys has 1 key for signatures: ES256.
no errors, no warnings`,
    ],
    [
      'whose name is right, and that is asked about tokens',
      realm(),
      INTROSPECTED.replace('audience: my-api', 'issuer: URL'),
      0,
      `5: ok: The issuer says that this is its name.
8: ok: The introspection endpoint accepts this client, and denies a made-up token.
no errors, no warnings`,
    ],
    ['whose name is misspelt', realm('/realms/acme'), DISCOVERED, 1, `5: error: ${MISSPELT}`],
    [
      'whose name is misspelt is not asked about tokens',
      realm('/realms/acme'),
      INTROSPECTED.replace('audience: my-api', 'issuer: URL'),
      1,
      `5: error: ${MISSPELT}`,
    ],
    [
      'whose metadata cannot be read, and whose keys are elsewhere',
      ({ url }) => (url === '/keys' ? { json: { keys: [jwk] } } : { status: 403 }),
      BY_KEYS.replace('issuer: me', 'issuer: URL'),
      0,
      `5: warning: Whether tokens name this issuer is not known: its metadata cannot be read here.
8: ok: URL/keys has 1 key for signatures: ES256.
no errors, 1 warning`,
    ],
    [
      'without a key for the algorithms',
      () => ({ json: { keys: [jwk, { ...rsa, alg: 'RS384' }] } }),
      `${BY_KEYS}\n  algorithms: [RS256, PS256]`,
      1,
      `9: error: No key of URL/keys is for an algorithm that "algorithms" allows: it has 2 keys for ES256, RS384, and the file allows RS256, PS256.
    Add an algorithm of the keys to "algorithms".`,
    ],
    [
      'that is ill',
      () => ({ status: 503 }),
      BY_KEYS,
      3,
      '8: error: URL/keys answered 503.\n    Look at the log of the service.',
    ],
    [
      'that is ill, so that its keys are not found',
      () => ({ status: 503 }),
      DISCOVERED,
      3,
      '5: error: URL/.well-known/openid-configuration answered 503.\n    Look at the log of the service.',
    ],
    [
      'that breaks off',
      (_, response) => void response.destroy(),
      BY_KEYS,
      3,
      `8: error: URL/keys cannot be reached (UND_ERR_SOCKET).
    Is the service running, and does this machine reach it?`,
    ],
    [
      'whose keys are not there',
      () => ({ status: 404 }),
      BY_KEYS,
      1,
      '8: error: HOST answered 404: check "server.auth.provider_config.jwks.uri".',
    ],
  ])('%s', async (_, answer, file, exit, says) => {
    const { code, says: said } = await checkAt(answer, file)
    const last = said.includes('no errors') ? '' : '\n1 error, no warnings'
    expect({ code, said }).toEqual({ code: exit, said: `${says}${last}` })
  })

  it.each([
    ['', '/', 'without'],
    ['/', '', 'with'],
  ])('that calls itself with %j at its end, and not with %j', async (suffix, ours, word) => {
    const named = DISCOVERED.replace('URL', `URL${ours}`)
    const certs = '  jwks: { uri: "URL/protocol/openid-connect/certs" }'
    for (const file of [named, named.replace('  discovery: true', certs)]) {
      const { code, says } = await checkAt(realm(suffix), file)
      expect(code).toBe(1)
      expect(says).toContain(
        `5: error: The issuer calls itself URL${suffix}, and the file calls it URL${ours}: every token is denied.
    Write the name ${word} the slash at its end.
`,
      )
      expect(says).toContain('1 error, no warnings')
    }
  })

  it('whose key set hangs up: names it, and not the metadata that it reads after it', async () => {
    const answer: Answer = ({ url, headers }, response) => {
      const name = `http://${headers.host}`
      if (url !== '/keys') return { json: { issuer: name, jwks_uri: `${name}/keys` } }
      response.destroy()
      return undefined
    }
    const { code, says } = await checkAt(answer, BY_KEYS.replace('issuer: me', 'issuer: URL'))
    expect(code).toBe(3)
    expect(says).toContain('8: error: URL/keys cannot be reached (UND_ERR_SOCKET).\n')
  })

  it('that is discovered is asked for its metadata once', async () => {
    const { calls } = await checkAt(realm(), DISCOVERED)
    expect(calls.map(({ url }) => url)).toEqual([
      '/.well-known/openid-configuration',
      '/protocol/openid-connect/certs',
    ])
  })

  it('that hangs', async () => {
    const { code, says } = await checkAt(hang, BY_KEYS, ['--timeout-ms=300'])
    expect({ code, says }).toEqual({
      code: 3,
      says: `8: error: URL/keys did not answer within 300 ms.
    Find out why the service is slow. A firewall that drops packets looks the same.
1 error, no warnings`,
    })
  })

  it(
    'that hangs: names no time that the provider did not wait for',
    { tags: ['slow'] },
    async () => {
      const { code, says } = await checkAt(hang, BY_KEYS, ['--timeout-ms=60000'])
      expect(code).toBe(3)
      expect(says).toContain('8: error: URL/keys did not answer in time.\n')
    },
  )
})

describe('an introspection endpoint', () => {
  it.each([
    [
      'my-api noise',
      0,
      '8: ok: The introspection endpoint accepts this client, and denies a made-up token.',
    ],
    ['wrong secret password', 1, `9: error: ${NOT_ACCEPTED}: it answered 401.\n${CORRECT_CLIENT}`],
    ['public client password', 1, `9: error: ${NOT_ACCEPTED}: it answered 403.\n${CORRECT_CLIENT}`],
    [
      'my-api password',
      1,
      '8: error: It allows a made-up token, so that every caller would get in.\n    Does the URL lead to the right service?',
    ],
    [
      'no such path',
      1,
      '8: error: The introspection endpoint answered 404: check "server.auth.provider_config.introspection.url".',
    ],
  ])('of Keycloak answers as in "%s": exit %i', async (name, exit, expected) => {
    // The recorded token has not ended.
    vi.spyOn(Date, 'now').mockReturnValue(1_796_000_268_028)
    const { code, says, calls } = await checkAt(realm('', name), INTROSPECTED)
    expect(says.split('\n').slice(0, -1).join('\n')).toBe(expected)
    expect(code).toBe(exit)
    expect(new URLSearchParams(calls[0]?.body).get('token')).toMatch(/^random_[\da-f]{64}$/)
  })

  it('that takes longer than the file gives a check is told', async () => {
    const late: Answer = (_call, response) => {
      setTimeout(() => response.end('{"active":false}'), 30)
      return undefined
    }
    const { code, says } = await checkAt(late, `timeout_ms: 5\n${INTROSPECTED}`)
    expect(code).toBe(0)
    expect(says).toMatch(
      /^3: warning: \S+ took \d+ ms, and a check has 5 ms: such a request is rejected\.\n {4}Raise "timeout_ms", or make the service faster.\n/,
    )
  })
})
