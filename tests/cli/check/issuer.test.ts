import { expect, it } from 'vitest'
import { readRecording } from '../../recorded/recording.ts'
import { keyOf } from '../../support/issuer.ts'
import { setupFolder } from '../../support/temporary-folder.ts'
import { startService } from '../../support/verifier-service.ts'
import { createCheck } from '../support/checked.ts'
import type { Answer } from '../../support/verifier-service.ts'

/** What `with-auth check --config` says about issuers and introspection endpoints. */

const inFolder = setupFolder()
const check = createCheck(inFolder)

interface Keycloak {
  readonly issuer: string
  readonly discovery: object
  readonly keys: { readonly keys: readonly object[] }
  readonly asked: Readonly<Record<string, { readonly status: number; readonly body: string }>>
}

const keycloak = readRecording<Keycloak>('keycloak')

/** A realm of Keycloak 26 with recorded answers, which calls itself by the URL that it is reached at. */
async function startRealm(introspected: string, suffix = '') {
  const service = await startService(({ url }) => {
    if (url === '/.well-known/openid-configuration') return { text: metadata }
    if (url === '/protocol/openid-connect/certs') return { json: keycloak.keys }
    const { status = 404, body = '' } = keycloak.asked[introspected] ?? {}
    return { status, text: body }
  })
  const url = `http://127.0.0.1:${service.port}`
  const metadata = JSON.stringify(keycloak.discovery)
    .replaceAll(keycloak.issuer, url)
    .replace(`"issuer":"${url}"`, `"issuer":"${url}${suffix}"`)
  return { url, service }
}

const discovered = (issuer: string, more = ''): string =>
  `provider_config:\n  type: oauth2_token\n  issuer: ${issuer}\n  audience: my-api\n  discovery: true\n${more}`

const byKeys = (url: string, more = ''): string =>
  `provider_config:\n  type: oauth2_token\n  issuer: me\n  audience: my-api\n  jwks:\n    uri: ${url}/keys\n${more}`

it('says which keys an issuer has', async () => {
  const { url } = await startRealm('my-api noise')
  expect(await check(discovered(url))).toEqual({
    code: 0,
    noted: '',
    printed: `run.yaml:5: ok: The issuer says that this is its name.
run.yaml:5: ok: ${url}/protocol/openid-connect/certs has 10 keys for signatures: RS256, RS384, ES256, PS256, PS384, EdDSA, ES384, ES512, 2 more. Left out: 1.
no errors, no warnings
`,
  })
})

it.each([
  ['', '/', 'without'],
  ['/', '', 'with'],
])('finds the slash at the end of the name of an issuer: %j', async (suffix, ours, word) => {
  const { url } = await startRealm('my-api noise', suffix)
  for (const more of ['', `  jwks: { uri: "${url}/protocol/openid-connect/certs" }`]) {
    const auth = discovered(`${url}${ours}`, more)
    const { code, printed } = await check(
      more === '' ? auth : auth.replace('  discovery: true\n', ''),
    )
    expect(code).toBe(1)
    expect(printed).toContain(
      `run.yaml:5: error: The issuer calls itself ${url}${suffix}, and the file calls it ${url}${ours}: every token is denied.
    Write the name ${word} the slash at its end.
`,
    )
    expect(printed).toContain('1 error, no warnings')
  }
})

it('finds a name that is misspelt, and does not ask about tokens then', async () => {
  const { url } = await startRealm('my-api noise', '/realms/acme')
  const introspection = `provider_config:
  type: oauth2_token
  issuer: ${url}
  introspection:
    url: ${url}/protocol/openid-connect/token/introspect
    client_id: my-api
    client_secret: s3cret-0123456789`
  for (const auth of [discovered(url), introspection]) {
    expect(await check(auth)).toEqual({
      code: 1,
      noted: '',
      printed: `run.yaml:5: error: The issuer calls itself ${url}/realms/acme, and the file calls it ${url}: every token is denied.
    Set "issuer" to the text that the issuer gives, if it is yours.
1 error, no warnings
`,
    })
  }
})

it('says whether the metadata of an issuer whose keys are elsewhere can be read', async () => {
  const key = await keyOf('ES256', 'a')
  const service = await startService(({ url }) =>
    url === '/keys' ? { json: { keys: [key.jwk] } } : { status: 403 },
  )
  const url = `http://127.0.0.1:${service.port}`
  const auth = byKeys(url).replace('issuer: me', `issuer: ${url}`)
  expect((await check(auth)).printed).toBe(
    `run.yaml:5: warning: Whether tokens name this issuer is not known: its metadata cannot be read here.
run.yaml:8: ok: ${url}/keys has 1 key for signatures: ES256.
no errors, 1 warning
`,
  )
})

it('names the key set that hangs up, and not the metadata that it reads after it', async () => {
  const service = await startService(() => ({}))
  const url = `http://127.0.0.1:${service.port}`
  service.answerWith((request, response) => {
    if (request.url === '/keys') response.destroy()
    else response.end(JSON.stringify({ issuer: url, jwks_uri: `${url}/keys` }))
  })
  const { code, printed } = await check(byKeys(url).replace('issuer: me', `issuer: ${url}`))
  expect(code).toBe(3)
  expect(printed).toContain(`run.yaml:8: error: ${url}/keys cannot be reached (UND_ERR_SOCKET).\n`)
})

it('finds algorithms that exclude each key', async () => {
  const key = await keyOf('ES256', 'a')
  const service = await startService(() => ({ json: { keys: [key.jwk] } }))
  const url = `http://127.0.0.1:${service.port}`
  const { code, printed } = await check(byKeys(url, '  algorithms: [RS256, PS256]'))
  expect({ code, printed }).toEqual({
    code: 1,
    printed: `run.yaml:9: error: No key of ${url}/keys is for an algorithm that "algorithms" allows: it has 1 key for ES256, and the file allows RS256, PS256.
    Add an algorithm of the keys to "algorithms".
1 error, no warnings
`,
  })
})

const hang: Answer = () => undefined

it('names no time that the provider did not wait for', { tags: ['slow'] }, async () => {
  const service = await startService(hang)
  const url = `http://127.0.0.1:${service.port}`
  const { code, printed } = await check(byKeys(url), ['--timeout-ms=60000'])
  expect(code).toBe(3)
  expect(printed).toContain(`run.yaml:8: error: ${url}/keys did not answer in time.\n`)
})

it.each<[string, number, Answer, string, string | undefined]>([
  [
    'hangs',
    3,
    hang,
    'did not answer within 300 ms.',
    'Find out why the service is slow. A firewall that drops packets looks the same.',
  ],
  ['is ill', 3, () => ({ status: 503 }), 'answered 503.', 'Look at the log of the service.'],
  [
    'breaks off',
    3,
    (_, response) => void response.destroy(),
    'cannot be reached (UND_ERR_SOCKET).',
    'Is the service running, and does this machine reach it?',
  ],
])('an issuer that %s is an outage: exit %i', async (_, exit, answer, says, change) => {
  const service = await startService(answer)
  const url = `http://127.0.0.1:${service.port}`
  const { code, printed } = await check(
    byKeys(url),
    says.endsWith('300 ms.') ? ['--timeout-ms=300'] : [],
  )
  expect({ code, printed }).toEqual({
    code: exit,
    printed: `run.yaml:8: error: ${url}/keys ${says}\n    ${change}\n1 error, no warnings\n`,
  })
})

it.each<[Answer, string]>([
  [() => ({ status: 404 }), 'HOST answered 404: check "server.auth.provider_config.jwks.uri".'],
  [() => ({ text: '<html>' }), 'HOST answered 200 with a body that is not JSON.'],
  [() => ({ json: { keys: [] } }), 'the key set of HOST has an empty list "keys".'],
  [
    () => ({ json: { keys: [{ kty: 'oct', k: 'AA' }] } }),
    'the key set of HOST has no public key for signatures, or only RSA keys below 2048 bits.',
  ],
])('keys that cannot be used are an error', async (answer, says) => {
  const service = await startService(answer)
  const { code, printed } = await check(byKeys(`http://127.0.0.1:${service.port}`))
  const host = `127.0.0.1:${service.port}`
  expect({ code, printed }).toEqual({
    code: 1,
    printed: `run.yaml:8: error: ${says.replace('HOST', host)}\n1 error, no warnings\n`,
  })
})

const introspected = (url: string): string => `provider_config:
  type: oauth2_token
  audience: my-api
  introspection:
    url: ${url}/protocol/openid-connect/token/introspect
    client_id: my-api
    client_secret: s3cret-0123456789`

it('an endpoint that takes longer than the file gives a check is told', async () => {
  const service = await startService((_call, response) => {
    setTimeout(() => response.end('{"active":false}'), 30)
    return undefined
  })
  const url = `http://127.0.0.1:${service.port}`
  const { code, printed } = await check(`timeout_ms: 5\n${introspected(url)}`)
  expect(code).toBe(0)
  expect(printed).toMatch(
    /^run.yaml:3: warning: \S+ took \d+ ms, and a check has 5 ms: such a request is rejected\.\n {4}Raise "timeout_ms", or make the service faster.\n/,
  )
})

it.each([
  [
    'my-api noise',
    0,
    '7: ok: The introspection endpoint accepts this client, and denies a made-up token.\n',
  ],
  [
    'wrong secret password',
    1,
    `8: error: URL/protocol/openid-connect/token/introspect does not accept this client: it answered 401.
    Correct "client_id" and "client_secret", or register the client. Some servers also want "send_secret_in_body".\n`,
  ],
  [
    'public client password',
    1,
    `8: error: URL/protocol/openid-connect/token/introspect does not accept this client: it answered 403.
    Correct "client_id" and "client_secret", or register the client. Some servers also want "send_secret_in_body".\n`,
  ],
  [
    'my-api password',
    1,
    '7: error: It allows a made-up token, so that every caller would get in.\n    Does the URL lead to the right service?\n',
  ],
  [
    'no such path',
    1,
    '7: error: The introspection endpoint answered 404: check "server.auth.provider_config.introspection.url".\n',
  ],
])('Keycloak answers as in "%s": exit %i', async (name, exit, says) => {
  const { url, service } = await startRealm(name)
  const { now } = Date
  // The recorded token has not ended.
  Date.now = () => 1_796_000_268_028
  const { code, printed } = await check(introspected(url))
  Date.now = now
  expect(printed.split('\n').slice(0, -2).join('\n')).toBe(
    `run.yaml:${says.replace('URL/', `${url}/`).trimEnd()}`,
  )
  expect(code).toBe(exit)
  expect(new URLSearchParams(service.calls[0]?.body).get('token')).toMatch(/^random_[\da-f]{64}$/)
})
