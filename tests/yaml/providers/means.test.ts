import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:https'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createAuthenticator } from '../../../src/index.ts'
import { loadConfig } from '../../../src/yaml.ts'
import { readText } from '../../../src/yaml/parsed-file.ts'
import { loadMeans } from '../../../src/yaml/providers/means.ts'
import { close, listen } from '../../support/loopback.ts'
import { ROTATED, SELF_SIGNED } from '../../support/self-signed-certificate.ts'
import { setupFolder } from '../../support/temporary-folder.ts'
import type { Files } from '../../../src/yaml/providers/kinds/provider.ts'

/** The needs of providers: files, modules and connections of the runtime. */

const pathOf = setupFolder()
const inAuth = (auth: string): string => `server: { auth: { ${auth} } }`
const K8S = 'provider_config: { type: kubernetes, audiences: my-api }'

describe('loadMeans', () => {
  it.each([
    ['endpoint: "https://h/"', false],
    ['provider_config: { type: kubernetes }', false],
    ['provider_config: { type: oauth2_token, introspection: { url: "https://h/" } }', false],
    ['provider_config: { type: oauth2_token, jwks: { uri: "https://h/" } }', true],
    ['providers: [{ type: kubernetes }, { type: oauth2_token, discovery: true }]', true],
  ])('loads jwt for %s: %s', async (auth, isNeeded) => {
    const { section } = readText(inAuth(auth), {
      path: 'f',
      env: {},
      allowMissing: false,
      hasEnforcingUpstream: false,
    })
    expect((await loadMeans(section)).jwt !== undefined).toBe(isNeeded)
  })

  it('knows the authority and the token of a pod', async () => {
    const { section } = readText(inAuth(K8S), {
      path: 'f',
      env: {},
      allowMissing: false,
      hasEnforcingUpstream: false,
    })
    const ofPod = async (): Promise<Files | undefined> =>
      (await loadMeans(section, pathOf('account'))).files
    const name = 'https://kubernetes.default.svc'
    expect((await ofPod())?.podTransport(name)).toBeUndefined()
    mkdirSync(pathOf('account'))
    writeFileSync(pathOf('account/ca.crt'), 'no certificate')
    expect((await ofPod())?.podTransport(name)).toBeUndefined()
    writeFileSync(pathOf('account/ca.crt'), SELF_SIGNED.cert)
    expect((await ofPod())?.podTokenFile).toBe(pathOf('account/token'))
    vi.stubEnv('KUBERNETES_SERVICE_HOST', '10.96.0.1')
    vi.stubEnv('KUBERNETES_SERVICE_PORT', '443')
    onTestFinished(() => void vi.unstubAllEnvs())
    const asked = [
      name,
      `${name}:443/`,
      'https://10.96.0.1',
      'https://10.96.0.1:443/',
      'https://10.96.0.1:6443',
      'https://10.96.0.2',
      'http://10.96.0.1:443',
      'https://kubernetes.default.svc.example.com',
      'https://example.com/kubernetes.default.svc',
    ]
    const files = await ofPod()
    const trusted = asked.filter((url) => files?.podTransport(url) !== undefined)
    expect(trusted).toEqual(asked.slice(0, 4))
  })

  it('takes the token of the pod for reviews by default', async () => {
    writeFileSync(pathOf('run.yaml'), inAuth(K8S))
    const { verifier } = await loadConfig(pathOf('run.yaml'))
    expect(verifier?.warnings).toEqual([expect.stringContaining('"server.auth.route_policy"')])
    expect(verifier?.describe?.()).toMatchObject({
      provider_config: {
        reviewer_token_file: '/var/run/secrets/kubernetes.io/serviceaccount/token',
      },
    })
  })
})

describe('tls_cafile', () => {
  it('is read for each new connection, so that a renewed file needs no restart', async () => {
    const review = JSON.stringify({ status: { userInfo: { username: 'alice' } } })
    const server = createServer(SELF_SIGNED, (_request, response) =>
      response.writeHead(201, { connection: 'close' }).end(review),
    )
    const url = `https://localhost:${await listen(server)}`
    writeFileSync(pathOf('ca.crt'), SELF_SIGNED.cert)
    const provider = `{ type: kubernetes, api_server_url: "${url}", tls_cafile: "${pathOf('ca.crt')}" }`
    writeFileSync(pathOf('run.yaml'), inAuth(`provider_config: ${provider}`))
    const config = await loadConfig(pathOf('run.yaml'))
    const authenticate = createAuthenticator({ ...config, onEvent: () => undefined, retry: false })
    const ask = async (): Promise<unknown> => {
      const headers = { authorization: 'Bearer token' }
      const result = await authenticate(new Request('http://h/', { headers }))
      return result.ok ? result.auth?.principal : result.cause
    }
    expect(await ask()).toBe('alice')
    server.setSecureContext(ROTATED)
    expect(await ask()).toBe('DEPTH_ZERO_SELF_SIGNED_CERT')
    writeFileSync(pathOf('ca.crt'), ROTATED.cert)
    expect(await ask()).toBe('alice')
    writeFileSync(pathOf('ca.crt'), 'no certificate')
    expect(await ask()).toBe('CERT_UNREADABLE')
    await close(server)
  })
})
