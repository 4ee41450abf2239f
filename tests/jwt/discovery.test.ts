import { beforeAll, describe, expect, it, vi } from 'vitest'
import { jwt } from '../../src/jwt.ts'
import { ask, AUDIENCE, goodClaims, keyOf, sign } from '../support/issuer.ts'
import { usePassingTime } from '../support/passing-time.ts'
import { startService } from '../support/verifier-service.ts'
import type { JwtOptions } from '../../src/jwt.ts'
import type { SigningKey } from '../support/issuer.ts'

/** Finding the keys by the metadata of the issuer: OpenID Connect Discovery 1.0 §4, RFC 8414 §3. */

const OPENID = '/.well-known/openid-configuration'
const pass = usePassingTime()
let key: SigningKey

beforeAll(async () => {
  key = await keyOf('ES256', 'a')
})

type Metadata = (issuer: string) => object

/** An issuer at a path of a new server, which has its metadata at `at`, with changes, and elsewhere `status`. */
async function startIssuerAt(path: string, at: string, metadata?: Metadata, status = 404) {
  const service = await startService(() => undefined)
  const origin = `http://127.0.0.1:${service.port}`
  const issuer = origin + path
  const said = { issuer, jwks_uri: `${origin}/keys`, ...metadata?.(issuer) }
  const state = { metadata: said, status, hangs: false, keys: [key.jwk] }
  service.answerWith(({ url }) => {
    if (url === at && state.status !== 503 && !state.hangs) return { json: state.metadata }
    if (url === at && state.hangs) return undefined
    return url?.startsWith('/keys') === true
      ? { json: { keys: state.keys } }
      : { status: state.status }
  })
  const options: JwtOptions = { issuer, audience: AUDIENCE }
  const urls = (): unknown[] => service.calls.map(({ url }) => url)
  const token = await sign(key, goodClaims({ iss: issuer, exp: 4e9 }))
  return { options, issuer, origin, state, urls, token }
}

describe('the keys are found', () => {
  it.each([
    ['', OPENID],
    ['/', OPENID],
    ['/realms/a', `/realms/a${OPENID}`],
    ['/realms/a/', `/realms/a${OPENID}`],
  ])('for an issuer that ends in "%s" at %s', async (path, at) => {
    const { options, token, urls } = await startIssuerAt(path, at)
    expect(await ask(jwt(options), token)).toMatchObject({ outcome: 'allow' })
    expect(urls()).toEqual([at, '/keys'])
  })

  it.each([
    ['', '/.well-known/oauth-authorization-server'],
    ['/realms/a/', '/.well-known/oauth-authorization-server/realms/a'],
  ])('after a 404 for an issuer that ends in "%s" at %s', async (path, at) => {
    const { options, token, urls } = await startIssuerAt(path, at)
    expect(await ask(jwt(options), token)).toMatchObject({ outcome: 'allow' })
    expect(urls()).toEqual([expect.stringContaining(OPENID), at, '/keys'])
  })

  it('once an hour, and the keys more often', async () => {
    pass(3_600_000)
    const { options, token, urls } = await startIssuerAt('', OPENID)
    const verifier = jwt(options)
    let fetched: Promise<unknown> | undefined
    const run = { waitUntil: (work: Promise<unknown>) => void (fetched = work) }
    for (let minutes = 0; minutes < 66; minutes += 1) {
      expect(await ask(verifier, token, run)).toMatchObject({ outcome: 'allow' })
      await fetched
      pass(60_000)
    }
    expect(urls().filter((url) => url === OPENID)).toHaveLength(2)
    expect(urls().filter((url) => url === '/keys').length).toBeGreaterThan(5)
  })

  it('where they were, while the metadata cannot be read', async () => {
    const { options, token, state, urls } = await startIssuerAt('', OPENID)
    const verifier = jwt(options)
    await ask(verifier, token)
    state.status = 503
    pass(3_600_000)
    expect(await ask(verifier, token)).toMatchObject({ outcome: 'allow' })
    expect(urls()).toEqual([OPENID, '/keys', OPENID, '/keys'])
  })

  it('where they were, while the metadata hang, in the same try', async () => {
    const [first, next] = [key, await keyOf('ES256', 'b')]
    const { options, issuer, token, state } = await startIssuerAt('', OPENID)
    const verifier = jwt({ ...options, timeoutMs: 2000, keysMaxStaleMs: 0 })
    await ask(verifier, token)
    state.hangs = true
    state.keys = [first.jwk, next.jwk]
    pass(3_600_000)
    const nextToken = await sign(next, goodClaims({ iss: issuer }))
    expect(await ask(verifier, nextToken)).toMatchObject({ outcome: 'allow' })
  })

  it('where they were, if the metadata names another issuer now', async () => {
    const { options, token, state, urls, origin } = await startIssuerAt('', OPENID)
    const verifier = jwt(options)
    await ask(verifier, token)
    Object.assign(state.metadata, {
      issuer: 'https://evil.example.com',
      jwks_uri: `${origin}/evil`,
    })
    pass(3_600_000)
    expect(await ask(verifier, token)).toMatchObject({ outcome: 'allow' })
    expect(urls()).not.toContain('/evil')
  })

  it('elsewhere, once the metadata says so', async () => {
    const { options, token, state, urls, origin } = await startIssuerAt('', OPENID)
    const verifier = jwt(options)
    await ask(verifier, token)
    state.metadata.jwks_uri = `${origin}/keys/new`
    pass(3_600_000)
    expect(await ask(verifier, token)).toMatchObject({ outcome: 'allow' })
    expect(urls().at(-1)).toBe('/keys/new')
  })
})

describe('nothing is found', () => {
  const NAMED = `the metadata of ORIGIN${OPENID} names the issuer `
  const NO_URI =
    'the metadata of the issuer has no "jwks_uri" that can be used, such as an https URL'

  it.each<readonly [string, Metadata, string]>([
    ['another issuer (RFC 8414 §3.3)', () => ({ issuer: 'https://b' }), `${NAMED}"https://b"`],
    ['a slash more', (issuer) => ({ issuer: `${issuer}/` }), `${NAMED}"ORIGIN/"`],
    ['no issuer', () => ({ issuer: undefined }), `${NAMED}"nothing"`],
    ['an issuer that is a number', () => ({ issuer: 7 }), `${NAMED}"number"`],
    // Another server has written it: only its beginning is shown, and as JSON.
    ['lines', () => ({ issuer: `\n${'x'.repeat(99)}` }), String.raw`${NAMED}"\n${'x'.repeat(79)}"`],
    ['no jwks_uri', () => ({ jwks_uri: undefined }), NO_URI],
    ['a relative jwks_uri', () => ({ jwks_uri: '/keys' }), NO_URI],
    ['a jwks_uri that is a file', () => ({ jwks_uri: 'file:///etc/passwd' }), NO_URI],
    ['a jwks_uri over http elsewhere', () => ({ jwks_uri: 'http://10.0.0.1/keys' }), NO_URI],
    ['a jwks_uri with a password', () => ({ jwks_uri: 'https://u:p@a.example/keys' }), NO_URI],
    ['a jwks_uri that is a list', () => ({ jwks_uri: ['https://a.example/keys'] }), NO_URI],
    ['64 KiB', () => ({ x: 'x'.repeat(65_536) }), 'HOST answered 200 with a body that is too long'],
  ])('by metadata with %s, and the operator learns why', async (_what, metadata, why) => {
    const { options, origin, token, urls } = await startIssuerAt('', OPENID, metadata)
    const advice = why.startsWith(NAMED) ? ': check "issuer"' : ''
    const explanation = why.replaceAll('ORIGIN', origin).replace('HOST', new URL(origin).host)
    await expect(ask(jwt(options), token)).rejects.toMatchObject({
      reason: 'invalid_response',
      explanation: explanation + advice,
    })
    expect(urls()).toEqual([OPENID])
  })

  it('after two 404s, and a warning says what to check', async () => {
    const { options, token, urls, origin } = await startIssuerAt('', '/elsewhere')
    const warnings: string[] = []
    const run = { warn: (message: string): void => void warnings.push(message) }
    const found = { reason: 'service_error', status: 404 }
    await expect(ask(jwt(options), token, run)).rejects.toMatchObject(found)
    expect(urls()).toHaveLength(2)
    expect(warnings).toEqual([`${new URL(origin).host} answered 404: check "issuer"`])
  })

  it('where the metadata says, and a warning says what to check', async () => {
    const gone = (issuer: string): object => ({ jwks_uri: `${issuer}/gone` })
    const { options, token, origin } = await startIssuerAt('', OPENID, gone)
    const warn = vi.fn<(message: string) => void>()
    await expect(ask(jwt(options), token, { warn })).rejects.toMatchObject({ status: 404 })
    expect(warn.mock.calls).toEqual([[`${new URL(origin).host} answered 404: check "issuer"`]])
  })

  it('and nothing else is tried after a 403 or a 503', async () => {
    for (const status of [403, 503]) {
      const { options, token, urls } = await startIssuerAt('', '/elsewhere', undefined, status)
      await expect(ask(jwt(options), token)).rejects.toMatchObject({
        reason: 'service_error',
        status,
      })
      expect(urls()).toHaveLength(1)
    }
  })
})
