import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:https'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createAuthenticator } from '../../../src/index.ts'
import { loadConfig } from '../../../src/yaml.ts'
import { readText } from '../../../src/yaml/parsed-file.ts'
import { loadMeans } from '../../../src/yaml/providers/means.ts'
import { decide } from '../../../src/yaml/providers/source.ts'
import { guardWith } from '../../support/guarded-verifier.ts'
import { keyOf, sign } from '../../support/issuer.ts'
import { startService } from '../../support/verifier-service.ts'
import { get } from '../../support/requests.ts'
import { close, listen } from '../../support/loopback.ts'
import { ROTATED, SELF_SIGNED } from '../../support/self-signed-certificate.ts'
import { setupFolder } from '../../support/temporary-folder.ts'
import type { AuthSection } from '../../../src/yaml/auth-section.ts'
import type { Files } from '../../../src/yaml/providers/kinds/provider.ts'

/** The needs of providers: files, modules and connections of the runtime. */

const pathOf = setupFolder()
const inAuth = (auth: string): string => `server: { auth: { ${auth} } }`
const K8S = 'provider_config: { type: kubernetes, audiences: my-api }'

const TEXT = { path: 'f', env: {}, allowMissing: false, hasEnforcingUpstream: false }
const unknown = (): string =>
  `The authority of this cluster is not known, so no caller may get in: "${pathOf('account/ca.crt')}" must be`

function read(auth: string): AuthSection {
  const { section } = readText(inAuth(auth), TEXT)
  if (section === undefined) throw new Error('no section')
  return section
}

describe('loadMeans', () => {
  it.each<[auth: string, ...modules: string[]]>([
    ['provider_config: { type: oauth2_token, introspection: { url: "https://h/" } }'],
    ['provider_config: { type: oauth2_token, discovery: true }', 'jwt'],
    ['provider_config: { type: kubernetes }', 'node'],
    ['provider_config: { type: local_api_key, api_keys: [a] }'],
    ['provider_config: { type: api_keys, file: a }', 'keys'],
    ['providers: [{ type: kubernetes }, { type: oauth2_token, discovery: true }]', 'jwt', 'node'],
    ['providers: [{ type: github_token }, { type: oauth2_token, tls_cafile: a }]', 'jwt', 'node'],
  ])('loads what %s needs, and nothing else', async (auth, ...modules) => {
    const loaded: string[] = []
    const note = (name: string) => () => {
      loaded.push(name)
      return { jwt: undefined, nodeTransport: undefined }
    }
    vi.doMock('../../../src/jwt.ts', note('jwt'))
    vi.doMock('../../../src/node.ts', note('node'))
    vi.doMock('../../../src/keys.ts', note('keys'))
    onTestFinished(() => {
      for (const name of ['jwt', 'node', 'keys']) vi.doUnmock(`../../../src/${name}.ts`)
    })
    await loadMeans(read(auth))
    expect(loaded).toEqual(modules)
  })

  it('knows the authority and the token of a pod', async () => {
    const section = read(K8S)
    const ofPod = async (): Promise<Files | undefined> =>
      (await loadMeans(section, undefined, pathOf('account'))).files
    const name = 'https://kubernetes.default.svc'
    vi.stubEnv('NODE_EXTRA_CA_CERTS', '')
    const warn = vi.fn<(message: string) => void>()
    expect((await ofPod())?.podTransport(name, warn)).toBeUndefined()
    expect(warn).not.toHaveBeenCalled()
    mkdirSync(pathOf('account'))
    writeFileSync(pathOf('account/ca.crt'), 'no certificate')
    expect((await ofPod())?.podTransport(name, warn)).toBeUndefined()
    expect(warn.mock.lastCall).toEqual([`${unknown()} a file of certificates in PEM`])
    writeFileSync(pathOf('account/ca.crt'), SELF_SIGNED.cert)
    expect((await ofPod())?.podTokenFile).toBe(pathOf('account/token'))
    vi.stubEnv('KUBERNETES_SERVICE_HOST', '10.96.0.1')
    vi.stubEnv('KUBERNETES_SERVICE_PORT', '443')
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
    const trusted = asked.filter((url) => files?.podTransport(url, warn) !== undefined)
    expect(trusted).toEqual(asked.slice(0, 4))
    expect(warn).toHaveBeenCalledTimes(1)
  })

  it('says in a pod without undici what to install, unless the process may know the authority', async () => {
    mkdirSync(pathOf('account'), { recursive: true })
    writeFileSync(pathOf('account/ca.crt'), SELF_SIGNED.cert)
    vi.stubGlobal('process', Object.create(process, { versions: { value: { bun: '1.0.0' } } }))
    vi.stubEnv('NODE_EXTRA_CA_CERTS', '')
    const section = read(K8S)
    const { files } = await loadMeans(section, undefined, pathOf('account'))
    const warn = vi.fn<(message: string) => void>()
    expect(files?.podTransport('https://kubernetes.default.svc', warn)).toBeUndefined()
    expect(warn.mock.calls).toEqual([
      [
        `${unknown()} used on Node with the package "undici" 7.28 or later: npm install undici@7. Elsewhere let the process trust the authority, such as by NODE_EXTRA_CA_CERTS`,
      ],
    ])
    vi.stubEnv('NODE_EXTRA_CA_CERTS', pathOf('account/ca.crt'))
    files?.podTransport('https://kubernetes.default.svc', warn)
    files?.podTransport('https://example.com', warn)
    expect(warn).toHaveBeenCalledTimes(1)
  })

  it('says what is wrong with the address of a cluster', async () => {
    writeFileSync(
      pathOf('run.yaml'),
      inAuth('provider_config: { type: kubernetes, api_server_url: 5 }'),
    )
    await expect(loadConfig(pathOf('run.yaml'))).rejects.toThrow(
      '"server.auth.provider_config.api_server_url" must be',
    )
  })

  it('throws an error of a key store that is about no file', async () => {
    const open = (): never => {
      throw new RangeError('broken')
    }
    const { files } = await loadMeans(read('provider_config: { type: api_keys, file: a }'), open)
    expect(() => files?.verifierOfKeys('a')).toThrow(RangeError)
  })

  it('makes a warning of an authority that cannot be used', async () => {
    mkdirSync(pathOf('account'), { recursive: true })
    writeFileSync(pathOf('account/ca.crt'), 'no certificate')
    vi.stubEnv('NODE_EXTRA_CA_CERTS', '')
    const section = read(K8S)
    const means = await loadMeans(section, undefined, pathOf('account'))
    expect(decide(section, means).config.verifier?.warnings).toContainEqual(
      `${unknown()} a file of certificates in PEM`,
    )
  })

  it('takes the token of the pod for reviews by default, and without reviews none', async () => {
    writeFileSync(pathOf('run.yaml'), inAuth(K8S))
    const { verifier } = await loadConfig(pathOf('run.yaml'))
    expect(verifier?.warnings).toEqual([expect.stringContaining('"server.auth.route_policy"')])
    expect(verifier?.describe?.()).toMatchObject({
      provider_config: {
        reviewer_token_file: '/var/run/secrets/kubernetes.io/serviceaccount/token',
      },
    })
    writeFileSync(pathOf('run.yaml'), inAuth('provider_config: { type: kubernetes }'))
    const own = await loadConfig(pathOf('run.yaml'))
    expect(JSON.stringify(own.verifier?.describe?.())).not.toContain('reviewer_token_file')
  })
})

describe('a provider of a file', () => {
  const CONFIG = 'server.auth.provider_config'
  const CLIENT = 'client_id: a, client_secret: b'
  const OAUTH2 = 'type: oauth2_token, issuer: me, audience: a'
  const TOKEN_FILE = `"${CONFIG}.reviewer_token_file"`

  it.each<[string, number, string]>([
    [
      'type: kubernetes, api_server_url: "URL"',
      404,
      `HOST answered 404: check "${CONFIG}.api_server_url"`,
    ],
    [
      'type: kubernetes, api_server_url: "URL"',
      403,
      `HOST answered 403: check "${CONFIG}.audiences"`,
    ],
    [
      'type: kubernetes, api_server_url: "URL", audiences: a, reviewer_token_file: /none',
      201,
      `This server has no token of its own to ask Kubernetes with: check ${TOKEN_FILE}, and that its file is there and may be read`,
    ],
    [
      `${OAUTH2}, introspection: { url: "URL", ${CLIENT} }`,
      401,
      `The introspection endpoint answered 401: check "${CONFIG}.introspection"`,
    ],
    [
      `${OAUTH2}, introspection: { url: "URL", ${CLIENT} }`,
      404,
      `The introspection endpoint answered 404: check "${CONFIG}.introspection.url"`,
    ],
    [`${OAUTH2}, jwks: { uri: "URL" }`, 404, `HOST answered 404: check "${CONFIG}.jwks.uri"`],
    [
      'type: github_token, github_api_base_url: "URL"',
      404,
      `HOST answered 404: check "${CONFIG}.github_api_base_url"`,
    ],
  ])('speaks of the keys of the file: %s, %i', async (provider, status, text) => {
    const { port } = await startService(() => ({ status, json: {} }))
    const host = `127.0.0.1:${port}`
    const filled = provider.replace('URL', `http://${host}`)
    writeFileSync(pathOf('run.yaml'), inAuth(`provider_config: { ${filled} }`))
    const { verifier } = await loadConfig(pathOf('run.yaml'))
    const { ask, warnings } = guardWith(verifier ?? (() => ({ outcome: 'deny' })))
    const signed = await sign(await keyOf('ES256', 'a'), { iss: 'me', aud: 'a' })
    const token = provider.startsWith(OAUTH2) ? signed : `gho_${'a'.repeat(36)}`
    expect((await ask(token)).outcome).toBe('deny')
    expect(warnings().slice((verifier?.warnings ?? []).length)).toEqual([
      text.replace('HOST', host),
    ])
  })

  it('also explains itself by them', async () => {
    writeFileSync(pathOf('token'), '')
    const keys = `api_server_url: "https://127.0.0.1", audiences: a, reviewer_token_file: "${pathOf('token')}"`
    writeFileSync(pathOf('run.yaml'), inAuth(`provider_config: { type: kubernetes, ${keys} }`))
    const lines = vi.spyOn(console, 'error').mockImplementation(() => undefined)
    await createAuthenticator(await loadConfig(pathOf('run.yaml')))(get('/', 'sk-123'))
    const said = `with-auth: requests are rejected: ${TOKEN_FILE} gave no token of this server (NO_TOKEN)`
    expect(lines.mock.calls).toContainEqual([said])
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

  it('belongs to what decisions are shared by: the same authority shares them, and no other', async () => {
    const idFor = async (cert: string) => {
      writeFileSync(pathOf('ca.crt'), cert)
      const provider = `{ type: kubernetes, tls_cafile: "${pathOf('ca.crt')}" }`
      writeFileSync(pathOf('run.yaml'), inAuth(`provider_config: ${provider}`))
      return (await loadConfig(pathOf('run.yaml'))).verifier?.id
    }
    const id = await idFor(SELF_SIGNED.cert)
    expect(id).toEqual(expect.any(String))
    expect(await idFor(SELF_SIGNED.cert)).toBe(id)
    expect(await idFor(ROTATED.cert)).not.toBe(id)
  })
})
