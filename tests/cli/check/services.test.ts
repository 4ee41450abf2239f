import { writeFileSync } from 'node:fs'
import { createServer } from 'node:https'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { readRecording } from '../../recorded/recording.ts'
import { startRecordedService } from '../../recorded/service.ts'
import { close, listen } from '../../support/loopback.ts'
import { SELF_SIGNED } from '../../support/self-signed-certificate.ts'
import { setupFolder } from '../../support/temporary-folder.ts'
import { startService } from '../../support/verifier-service.ts'
import { createCheck } from '../support/checked.ts'
import { createClient } from '@redis/client'
import { ENGINES, startEngine, stopEngines } from '../../support/redis-servers.ts'
import type { Answer } from '../../recorded/service.ts'
import type { RedisClientType } from '@redis/client'
import type { EngineName } from '../../support/redis-servers.ts'

/** What `with-auth check --config` says about clusters, GitHub, auth endpoints and stores. */

const inFolder = setupFolder()
const check = createCheck(inFolder)

interface Kubernetes {
  readonly reviewer: string
  readonly cases: readonly { name: string; tapes: readonly [{ answer: Answer }] }[]
  readonly outages: readonly { name: string; tape: { answer: Answer } }[]
}

const kubernetes = readRecording<Kubernetes>('kubernetes')

const answers = new Map([
  ...kubernetes.cases.map(({ name, tapes: [{ answer }] }) => [name, answer] as const),
  ...kubernetes.outages.map(({ name, tape }) => [name, tape.answer] as const),
  ['own token', { status: 401 }],
])

const NO_ROLE =
  'answered 403: the account of this server may not ask about tokens. Run kubectl create clusterrolebinding with-auth --clusterrole system:auth-delegator --serviceaccount NAMESPACE:ACCOUNT.'

it.each([
  ['garbage', 0, 'ok: The cluster lets this server ask, and denies a made-up token.'],
  ['no role', 1, `error: HOST ${NO_ROLE}`],
  [
    'own token',
    1,
    'error: HOST answered 401: check "server.auth.provider_config.reviewer_token_file".',
  ],
  [
    'no v1 (token)',
    1,
    'error: HOST answered 404: check "server.auth.provider_config.api_server_url".',
  ],
  [
    'flow control',
    3,
    'error: http://HOST/apis/authentication.k8s.io/v1/tokenreviews answered 429.\n    Ask less often: switch on "cache". Or raise the limit of the service for this server.',
  ],
])('a cluster that answers as in "%s": exit %i', async (name, exit, says) => {
  const asked: string[] = []
  const service = await startRecordedService(({ text }) => {
    asked.push(text)
    return answers.get(name) ?? {}
  })
  const host = `127.0.0.1:${service.port}`
  writeFileSync(inFolder('token'), kubernetes.reviewer)
  const { code, printed } = await check(`provider_config:
  type: kubernetes
  api_server_url: http://${host}
  audiences: [my-api]
  reviewer_token_file: ${inFolder('token')}
route_policy: [{ permit: { paths: "*" } }]`)
  await service.stop()
  expect(printed.split('\n').slice(0, -2).join('\n')).toBe(
    `run.yaml:5: ${says.replace('HOST', host)}`,
  )
  expect(code).toBe(exit)
  expect(asked[0]).toMatch(/"token":"random_[\da-f]{64}"/)
})

it('a cluster without audiences is asked as well, and one without a token of this server is not', async () => {
  const service = await startService(() => ({ status: 401 }))
  const api = `provider_config:
  type: kubernetes
  api_server_url: http://127.0.0.1:${service.port}`
  const { printed } = await check(api)
  expect(printed).toContain('run.yaml:5: ok: The cluster lets this server ask')
  const missing = await check(`${api}
  audiences: [my-api]
  reviewer_token_file: ${inFolder('missing')}
route_policy: [{ permit: { paths: "*" } }]`)
  expect(missing.printed).toBe(
    `run.yaml:5: error: This server has no token of its own to ask Kubernetes with: check "server.auth.provider_config.reviewer_token_file", and that its file is there and may be read.
1 error, no warnings
`,
  )
  expect(service.calls).toHaveLength(1)
})

it('finds the audience of the API server, an authority that nobody named, and what the gateway warns of', async () => {
  const server = createServer(SELF_SIGNED)
  const port = await listen(server)
  const claims = Buffer.from('{"aud":["https://kubernetes.default.svc"]}').toString('base64url')
  writeFileSync(inFolder('token'), `e30.${claims}.AAAA\n`)
  const { code, printed } = await check(`provider_config:
  type: kubernetes
  api_server_url: https://localhost:${port}
  audiences: [https://kubernetes.default.svc, my-api]
  reviewer_token_file: ${inFolder('token')}`)
  await close(server)
  expect({ code, printed }).toEqual({
    code: 1,
    printed: `run.yaml:2: warning: "server.auth.route_policy" is missing: any account of any namespace can get such a token, and may do everything here. Add rules that name the namespaces or the accounts, such as when: user with prod in namespace.
run.yaml:5: error: https://localhost:${port}/apis/authentication.k8s.io/v1/tokenreviews cannot be reached (DEPTH_ZERO_SELF_SIGNED_CERT).
    The authority of the certificate is not known: name it by "tls_cafile", or by the variable NODE_EXTRA_CA_CERTS.
run.yaml:6: warning: https://kubernetes.default.svc is the audience of the API server itself: every pod has such a token, and it works here.
    Set "audiences" to a name of this server alone.
1 error, 2 warnings
`,
  })
})

it.each([
  [404, 0, 'ok: GitHub answers, and denies a made-up token.'],
  [401, 1, 'error: HOST answered 401: check "server.auth.provider_config.client_id".'],
])('an app of GitHub that gets %i', async (status, exit, says) => {
  const service = await startService(() => ({ status }))
  const host = `127.0.0.1:${service.port}`
  const { code, printed } = await check(`provider_config:
  type: github_token
  github_api_base_url: http://${host}
  client_id: app
  client_secret: s3cret-0123456789
  claims_mapping: { organizations: teams }`)
  expect(printed.split('\n')[0]).toBe(`run.yaml:3: ${says.replace('HOST', host)}`)
  expect(code).toBe(exit)
})

const good = (key: string) => (call: { body: string; headers: Record<string, unknown> }) => {
  if (call.headers['x-auth-secret'] !== 'S3cret-of-the-file')
    return { status: 500, json: { error: { code: 'endpoint_secret' } } }
  const isGood = call.body.includes(`"api_key":"${key}"`) && call.body.endsWith('}')
  const headers = { 'cache-control': 'max-age=30' }
  return isGood ? { headers, json: { attributes: {} } } : { status: 401, headers }
}

it('examines an auth endpoint with the secret of the file, with a valid key and without one', async () => {
  // On a busy machine the endpoint would count as slow.
  vi.useFakeTimers({ toFake: ['performance'] })
  const service = await startService(good('sk-0123456789'))
  const auth = (secret: string) => `endpoint: http://127.0.0.1:${service.port}/validate?k=1
endpoint_headers: { x-auth-secret: ${secret} }
identity: required`
  const url = `http://127.0.0.1:${service.port}/validate?***`
  const without = await check(auth('S3cret-of-the-file'))
  const withKey = await check(auth('S3cret-of-the-file'), [], { WITH_AUTH_KEY: 'sk-0123456789' })
  const wrong = await check(auth('another'))
  const unknown = await check(auth('S3cret-of-the-file'), [], { WITH_AUTH_KEY: 'sk-9876543210' })
  expect(unknown.printed).toContain(
    'with-auth rejects: denied.\n    Does the endpoint know the key, and read it from "api_key" of the JSON body?\n',
  )
  expect(without).toEqual({
    code: 0,
    noted: '',
    printed: `run.yaml:3: ok: ${url} passed 9 of 13 checks. The others need a valid key: set WITH_AUTH_KEY, or give --key-file.
no errors, no warnings
`,
  })
  expect(withKey.printed).toBe(`run.yaml:3: ok: ${url} passed 12 of 13 checks.
run.yaml:3: error: identity: names no principal; with-auth rejects the key, since a principal is required.
    Answer {"principal": "...", "attributes": {"...": ["..."]}} to name the owner of the key.
1 error, no warnings
`)
  expect(wrong).toEqual({
    code: 1,
    noted: '',
    printed: `run.yaml:3: error: ${url} cannot be used: the endpoint requires the header x-auth-secret.
    Set "endpoint_headers" to its secret.
1 error, no warnings
`,
  })
})

it('finds an endpoint that allows everybody, and one among several that does not answer', async () => {
  const service = await startService(() => ({ json: {} }))
  const open = await check(`endpoint: http://127.0.0.1:${service.port}/`)
  expect(open).toMatchObject({
    code: 1,
    printed: `run.yaml:3: error: http://127.0.0.1:${service.port}/ cannot be used: a random key was allowed.
    Answer 401 to an unknown key: a page that always answers 200 allows every key.
1 error, no warnings
`,
  })
  // The words of the report itself stay, even if a secret is equal to one of them.
  const named = await check(
    `endpoint: http://127.0.0.1:${service.port}/\nendpoint_headers: { x-auth-secret: error }`,
  )
  expect(named).toEqual(open)
  const closed = await startService(() => ({}))
  const url = `http://127.0.0.1:${closed.port}/`
  closed.answerWith((_, response) => void response.destroy())
  const away = await check(`providers:\n- type: custom\n  endpoint: ${url}`)
  expect(away).toMatchObject({
    code: 3,
    printed: `run.yaml:5: error: ${url} cannot be used: the connection closed without an answer (UND_ERR_SOCKET).
    Begin "endpoint" with https:// if this port has TLS, or look into the log of the endpoint.
1 error, no warnings
`,
  })
})

afterAll(stopEngines)
afterEach(() => void vi.useRealTimers())

const RIGHTS =
  '~with-auth:* &with-auth:bus &with-auth:bus:* +hello +auth +ping +info +mget +get +set +multi +exec +discard +publish +subscribe +unsubscribe +client|setname +client|id'

const SHARED = `  share_verdicts: true\n  secret: ${'x'.repeat(32)}`

const NOT_IN =
  'error: The store cannot be used: the user of the engine lacks a right: see the ACL in the documentation.'

/** What is said about the store at a URL, beside an introspection endpoint that is good. */
async function checkStore(url: string, more = '', timeoutMs = 5000) {
  const service = await startService(() => ({ json: { active: false } }))
  const client = 'client_id: a, client_secret: s3cret-0123456789'
  const introspection = `{ url: "http://127.0.0.1:${service.port}/", ${client} }`
  const { code, printed } = await check(
    `provider_config: { type: oauth2_token, audience: a, introspection: ${introspection} }
cache: {}
context: { headers: [] }
store:
  url: ${url}
${more}`,
    [`--timeout-ms=${timeoutMs}`],
  )
  return {
    code,
    says: printed.slice(printed.indexOf('run.yaml:7:')).split('\n').slice(0, -2).join('\n'),
  }
}

describe.each(ENGINES.slice(0, 1))('a store in %s', { tags: ['database'] }, (name) => {
  testStore(name)
})
// The other engine takes as long again, and says nearly the same.
describe.each(ENGINES.slice(1))('a store in %s', { tags: ['slow'] }, (name) => {
  testStore(name)
})

function testStore(name: EngineName): void {
  let url = ''
  let client: RedisClientType
  beforeAll(async () => {
    ;({ url } = await startEngine(name))
    client = createClient({ url })
    client.on('error', () => undefined)
    await client.connect()
    return () => client.destroy()
  })

  it('that lets this server in keeps nothing of the check', async () => {
    for (const more of ['', SHARED]) {
      expect(await checkStore(url, more)).toEqual({
        code: 0,
        says: 'run.yaml:7: ok: The store lets this server in: it may write, publish and subscribe below "with-auth:".',
      })
    }
    expect(await client.dbSize()).toBe(0)
  })

  it.each<[rights: string, exit: number, says: string, more?: string]>([
    [
      RIGHTS,
      0,
      'ok: The store lets this server in: it may write, publish and subscribe below "with-auth:".',
    ],
    [RIGHTS.replace('&with-auth:bus ', ''), 1, 'PUBLISH with-auth:bus, SUBSCRIBE with-auth:bus'],
    [
      RIGHTS.replace('&with-auth:bus:*', ''),
      1,
      'PUBLISH with-auth:bus:check, SUBSCRIBE with-auth:bus:check',
    ],
    [RIGHTS.replace('~with-auth:*', '~with-auth:b:*'), 1, 'SET with-auth:f:all'],
    [RIGHTS.replace('+set ', ''), 1, 'SET with-auth:f:all, SET with-auth:b:check'],
    [RIGHTS.replace('+publish', ''), 1, 'PUBLISH with-auth:bus, PUBLISH with-auth:bus:check'],
    [RIGHTS.replace('+info', ''), 1, 'INFO replication'],
    [RIGHTS.replace('+info', '+info|replication'), 1, 'INFO'],
    [RIGHTS.replace('+multi', ''), 1, 'MULTI'],
    [RIGHTS.replace('+exec', ''), 1, 'EXEC'],
    ['', 1, NOT_IN],
    [RIGHTS.replace('+mget ', ''), 1, 'MGET with-auth:f:all', SHARED],
  ])('whose user has the rights %s', async (rights, exit, says, more = '') => {
    await client.sendCommand(['ACL', 'DELUSER', 'app'])
    const [host = ''] = url.split('//').slice(1)
    await client.sendCommand([
      'ACL',
      'SETUSER',
      'app',
      'on',
      '>Passw0rd-of-app',
      'resetchannels',
      ...rights.split(' ').filter(Boolean),
    ])
    const text = /^(?:ok|error): /.test(says)
      ? says
      : `error: The user of the store may not use all commands that are needed. It lacks: ${says}.\n    Give it the rights of the ACL in the documentation.`
    expect(await checkStore(`redis://app:Passw0rd-of-app@${host}`, more)).toEqual({
      code: exit,
      says: `run.yaml:7: ${text}`,
    })
    expect(await client.dbSize()).toBe(0)
  })

  it('that asks for a password, or rejects it', async () => {
    const { port, url: locked } = await startEngine(name, { args: ['--requirepass', 'Passw0rd'] })
    expect(await checkStore(locked)).toEqual({
      code: 1,
      says: 'run.yaml:7: error: The store cannot be used: the engine asks for a password: put it into "url".',
    })
    expect(await checkStore(`redis://:wrong-Passw0rd@127.0.0.1:${port}`)).toEqual({
      code: 1,
      says: 'run.yaml:7: error: The store cannot be used: the engine rejects the user or the password of "url".',
    })
  })

  it('that is full, gone or silent', async () => {
    const engine = await startEngine(name, {
      args: ['--maxmemory', '1', '--maxmemory-policy', 'noeviction'],
    })
    expect(await checkStore(engine.url)).toEqual({
      code: 1,
      says: 'run.yaml:7: error: The store cannot be used: the memory of the engine is full and its policy is noeviction: set maxmemory-policy to volatile-ttl.',
    })
    engine.pause()
    expect(await checkStore(engine.url, '', 1000)).toEqual({
      code: 3,
      says: 'run.yaml:7: error: The store did not answer within 1 s.\n    Find out why the service is slow. A firewall that drops packets looks the same.',
    })
    engine.resume()
    await engine.stop()
    expect(await checkStore(engine.url)).toEqual({
      code: 3,
      says: 'run.yaml:7: error: The store cannot be reached (ECONNREFUSED).\n    No server listens on this host and port: is it running, and is the port right?',
    })
  })
}
