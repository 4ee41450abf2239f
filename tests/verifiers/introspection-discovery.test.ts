import { describe, expect, it } from 'vitest'
import { introspection } from '../../src/verifiers.ts'
import { guardWith } from '../support/guarded-verifier.ts'
import { usePassingTime } from '../support/passing-time.ts'
import { startService } from '../support/verifier-service.ts'
import type { Answer } from '../support/verifier-service.ts'

/** Finding the introspection endpoint by the metadata of the issuer: RFC 8414 §3. */

const OPENID = '/.well-known/openid-configuration'
const OAUTH = '/.well-known/oauth-authorization-server'
const pass = usePassingTime()
const UNAVAILABLE = { outcome: 'deny', reason: 'service_error' }

interface Metadata {
  readonly [path: string]: Answer | undefined
}

/** An issuer with these answers. Its endpoint says that each token is good. */
async function startIssuer(metadata: (issuer: string) => Metadata) {
  const service = await startService(() => undefined)
  const issuer = `http://127.0.0.1:${service.port}`
  let answers = metadata(issuer)
  service.answerWith((call, response) => {
    const answer = answers[call.url ?? '']?.(call, response)
    if (call.method === 'POST') return answer ?? { json: { active: true, sub: 'alice' } }
    return answer ?? { status: 404 }
  })
  return {
    ...guardWith(introspection({ issuer, client: 'none' }), { circuitBreaker: false }),
    issuer,
    answer: (next: Metadata): void => void (answers = next),
    urls: (): unknown[] => service.calls.map(({ url }) => url),
  }
}

const naming = (issuer: string, more: object = {}): Answer => {
  const json = { issuer, introspection_endpoint: `${issuer}/introspect`, ...more }
  return () => ({ json })
}

describe('the endpoint', () => {
  it.each([OPENID, OAUTH])('is found at %s, once an hour', async (path) => {
    pass(3_600_000)
    const { ask, urls, issuer, answer } = await startIssuer((at) => ({ [path]: naming(at) }))
    expect(await ask()).toMatchObject({ outcome: 'allow', principal: 'alice' })
    await ask()
    const found = path === OPENID ? [OPENID] : [OPENID, OAUTH]
    expect(urls()).toEqual([...found, '/introspect', '/introspect'])
    answer({ [OPENID]: naming(issuer, { introspection_endpoint: `${issuer}/other` }) })
    pass(3_600_000)
    // The first one finds the new endpoint for the next ones.
    await expect.poll(async () => (await ask()) && urls().at(-1)).toBe('/other')
  })

  it('that is known serves while the issuer is away, which is asked after pauses', async () => {
    const { ask, answer, urls } = await startIssuer((at) => ({ [OPENID]: naming(at) }))
    await ask()
    answer({ [OPENID]: () => ({ status: 503 }) })
    pass(3_600_000)
    for (let count = 0; count < 5; count += 1) {
      expect(await ask()).toMatchObject({ outcome: 'allow' })
      await expect.poll(() => urls().filter((url) => url === OPENID)).toHaveLength(2)
    }
  })

  it('is found by one call for all, and not asked for in a pause, which is 5 s at most', async () => {
    const { ask, answer, urls, issuer } = await startIssuer(() => ({
      [OPENID]: () => ({ status: 503 }),
    }))
    const all = await Promise.all([ask('a'), ask('b'), ask('c')])
    for (const one of all) expect(one).toMatchObject(UNAVAILABLE)
    expect(await ask('d')).toMatchObject(UNAVAILABLE)
    expect(urls()).toEqual([OPENID])
    for (let count = 0; count < 5; count += 1) {
      pass(5000)
      expect(await ask()).toMatchObject(UNAVAILABLE)
    }
    expect(urls()).toHaveLength(6)
    answer({ [OPENID]: naming(issuer) })
    pass(5000)
    expect(await ask()).toMatchObject({ outcome: 'allow' })
  })

  it('that does not come in time is an outage, and holds a request for its deadline at most', async () => {
    const service = await startService(() => undefined)
    const options = { issuer: `http://127.0.0.1:${service.port}`, client: 'none' } as const
    const hanging = guardWith(introspection(options), { timeoutMs: 100 })
    expect(await hanging.ask()).toMatchObject({ outcome: 'deny', reason: 'timeout' })
  })
})

describe('metadata', () => {
  it.each<[string, object, string]>([
    [
      'of another issuer',
      { issuer: 'https://other.example.com' },
      `the metadata of ISSUER${OPENID} names the issuer "https://other.example.com": check "issuer"`,
    ],
    [
      'without an endpoint, as those of Hydra are',
      { introspection_endpoint: undefined },
      'the metadata of the issuer has no "introspection_endpoint" that can be used, such as an https URL',
    ],
    [
      'with an endpoint in clear text',
      { introspection_endpoint: 'http://login.example.com/introspect' },
      'the metadata of the issuer has no "introspection_endpoint" that can be used, such as an https URL',
    ],
  ])('%s send no token anywhere, and the event says why', async (_what, more, cause) => {
    const { ask, issuer, urls } = await startIssuer((at) => ({ [OPENID]: naming(at, more) }))
    const said = cause.replace('ISSUER', issuer)
    expect(await ask()).toMatchObject({ reason: 'invalid_response', cause: said })
    expect(urls()).toEqual([OPENID])
  })

  it.each([
    [400, 'service_error', [400]],
    [404, 'service_error', [404]],
    [429, 'rate_limited', []],
    [500, 'service_error', []],
  ])(
    'that answer %d are %s, and a status that stays is warned of',
    async (status, reason, told) => {
      const { ask, warnings, issuer } = await startIssuer(() => ({
        [OPENID]: () => ({ status }),
        [OAUTH]: () => ({ status }),
      }))
      expect(await ask()).toMatchObject({ outcome: 'deny', reason })
      const { host } = new URL(issuer)
      expect(warnings()).toEqual(told.map((one) => `${host} answered ${one}: check "issuer"`))
    },
  )
})

it('warns by the option that was given', async () => {
  const { ask, warnings } = await startIssuer((at) => ({
    [OPENID]: naming(at),
    '/introspect': () => ({ status: 404 }),
  }))
  expect(await ask()).toMatchObject(UNAVAILABLE)
  expect(warnings()).toEqual(['The introspection endpoint answered 404: check "issuer"'])
})

it('shows that the endpoint is found', () => {
  const verifier = introspection({ issuer: 'https://login.example.com', client: 'none' })
  expect(verifier.describe?.()).toMatchObject({ issuer: 'https://login.example.com' })
  expect(verifier.describe?.()).not.toHaveProperty('url')
  expect(verifier.id).toContain('https://login.example.com')
})
