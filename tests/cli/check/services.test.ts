import { writeFileSync } from 'node:fs'
import { createServer } from 'node:https'
import { expect, it } from 'vitest'
import { readRecording } from '../../recorded/recording.ts'
import { startService as startRecorded } from '../../recorded/service.ts'
import { close, listen } from '../../support/loopback.ts'
import { SELF_SIGNED } from '../../support/self-signed-certificate.ts'
import { setupFolder } from '../../support/temporary-folder.ts'
import { startService } from '../../support/verifier-service.ts'
import { createCheck } from '../support/checked.ts'
import type { Answer } from '../../recorded/service.ts'

/** What `with-auth check --config` says about clusters, GitHub and auth endpoints. */

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
  const service = await startRecorded(() => answers.get(name) ?? {})
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
})

it('finds the audience of the API server, an authority that nobody named, and what the gateway warns of', async () => {
  const server = createServer(SELF_SIGNED)
  const port = await listen(server)
  const claims = Buffer.from('{"aud":["https://kubernetes.default.svc"]}').toString('base64url')
  writeFileSync(inFolder('token'), `e30.${claims}.AAAA`)
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
  expect(open.printed)
    .toBe(`run.yaml:3: error: http://127.0.0.1:${service.port}/ cannot be used: a random key was allowed.
    Answer 401 to an unknown key: a page that always answers 200 allows every key.
1 error, no warnings
`)
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
