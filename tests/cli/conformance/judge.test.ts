import { describe, expect, it } from 'vitest'
import {
  judgeBadKey,
  judgeCacheControl,
  judgeGoodKey,
  judgeIdentity,
  judgeNonsense,
  judgeRedirects,
} from '../../../src/cli/conformance/judge.ts'
import { obstacleAtStart, obstacleLater } from '../../../src/cli/conformance/obstacle.ts'
import { viewOfWrapper } from '../../../src/cli/conformance/finding.ts'
import { words } from '../../support/words.ts'
import type { Finding } from '../../../src/cli/conformance/finding.ts'
import type { ProbeOutcome } from '../../../src/cli/conformance/probe.ts'

interface Said {
  readonly body?: string | undefined
  readonly headers?: Readonly<Record<string, string>>
  readonly durationMs?: number
}

function answered(status: number, said: Said = {}): ProbeOutcome {
  const { body, headers, durationMs = 3 } = said
  return { status, headers: new Headers(headers), body, durationMs }
}

function silent(reason: 'timeout' | 'unreachable', code?: string): ProbeOutcome {
  return { status: 0, headers: new Headers(), durationMs: 1, silence: { reason, code } }
}

/** An answer of an endpoint and the decision that the wrapper makes of it. */
async function found(outcome: ProbeOutcome): Promise<Finding> {
  return { outcome, view: await viewOfWrapper(outcome) }
}

const KEY = 'sk-0123456789'

describe('an answer', () => {
  it.each([
    [200, 'ok', 'fail', 'fail', /^$/],
    [201, 'fail', 'note', 'ok', /exactly 200/],
    [204, 'fail', 'note', 'ok', /exactly 200/],
    [302, 'fail', 'fail', 'ok', /instead of a redirect/],
    [400, 'fail', 'note', 'ok', /"api_key"/],
    [401, 'fail', 'ok', 'ok', /does the endpoint know the key/],
    [403, 'fail', 'ok', 'ok', /does the endpoint know the key/],
    [404, 'fail', 'note', 'ok', /nothing under this URL/],
    [405, 'fail', 'note', 'ok', /accept POST/],
    [413, 'fail', 'note', 'ok', /64 KiB/],
    [415, 'fail', 'note', 'ok', /application\/json/],
    [422, 'fail', 'note', 'ok', /lists of strings/],
    [429, 'fail', 'fail', 'fail', /do not limit/],
    [431, 'fail', 'note', 'ok', /in the body/],
    [500, 'fail', 'fail', 'fail', /taken for an outage/],
  ])(
    'of %i is %s to a valid key, %s to a wrong one, %s to nonsense',
    async (status, toGood, toBad, toNonsense, advice) => {
      const finding = await found(answered(status))
      const [good, bad, nonsense] = [
        judgeGoodKey(finding),
        judgeBadKey(finding),
        judgeNonsense(finding, 'nonsense'),
      ]
      expect([good.result, bad.result, nonsense.result]).toEqual([toGood, toBad, toNonsense])
      expect(good.change ?? '').toMatch(advice)
      expect(nonsense.wrapper).toBe('never sends this')
      const nonsenseAdvice = status === 429 ? advice : /^answer 400 to nonsense/
      expect(nonsense.change ?? 'answer 400 to nonsense').toMatch(nonsenseAdvice)
    },
  )

  it.each([
    [400, ''],
    [404, ', and a 404 looks like a wrong URL'],
  ])('of %i to a wrong key should be another one', async (status, looks) => {
    expect(judgeBadKey(await found(answered(status)))).toEqual({
      result: 'note',
      did: `${status} in 3 ms`,
      wrapper: 'rejects: denied',
      change: `answer 401 or 403: only these denials are cached${looks}`,
    })
  })

  it('that redirects is counted', async () => {
    const findings = [await found(answered(401)), await found(answered(307))]
    expect(judgeRedirects(findings)).toEqual({
      result: 'fail',
      did: '1 of 2',
      wrapper: 'rejects: denied',
      change: 'answer 400 or 401 instead of a redirect, such as one to a login page',
    })
  })
})

describe('the identity', () => {
  it.each([
    ['{"principal":"alice"}', 'ok', 'names a principal'],
    ['{}', 'note', 'names no principal'],
    ['ok', 'note', 'names no principal'],
    [undefined, 'note', 'sends an unreadable body'],
  ])('of %j is %s', async (body, result, did) => {
    expect(judgeIdentity(await found(answered(200, { body })), KEY)).toMatchObject({ result, did })
  })

  it.each([
    ['{"principal":7}', '"principal" must be a string'],
    [
      '{"principal":"s3cret","attributes":{"quota":5,"active":true}}',
      '"attributes.quota" must be a string or a list of strings; "attributes.active" must be a string or a list of strings',
    ],
    [`{"attributes":{"${KEY}":5}}`, '"attributes.?" must be'],
    [`{"attributes":{"${KEY.slice(0, 10)}":5}}`, '"attributes.?" must be'],
    [`{"attributes":{"${KEY.toUpperCase()}":5}}`, '"attributes.?" must be'],
    ['{"principal":"s3cret"', '"body" must be JSON'],
  ])('reports the faulty field: %s', async (body, change) => {
    const headers = { 'content-type': 'application/json' }
    const row = judgeIdentity(await found(answered(200, { body, headers })), KEY)
    expect(row).toEqual({
      result: 'fail',
      did: 'sends a faulty identity',
      wrapper: 'allows, no principal',
      change: expect.stringContaining(`correct these: ${change}`) as string,
    })
    expect(JSON.stringify(row)).not.toMatch(/s3cret|0123456/)
  })

  it('reports at most eight faulty fields', async () => {
    const attributes = Object.fromEntries(Array.from({ length: 20 }, (_, at) => [`a${at}`, at]))
    const body = JSON.stringify({ attributes })
    const { change } = judgeIdentity(await found(answered(200, { body })), KEY)
    expect(change?.match(/must be/g)).toHaveLength(8)
  })
})

describe('Cache-Control', () => {
  it.each([
    [
      'max-age=0',
      'note',
      'forbids caching',
      'does not cache it',
      'send "max-age" in seconds if a decision may be cached: now every request calls the endpoint',
    ],
    ['max-age=1', 'ok', 'max-age of 1 s', 'caches it for at most that', undefined],
    ['max-age=3600', 'ok', 'max-age of 3600 s', 'caches it for at most that', undefined],
    ['max-age=3601', 'ok', 'max-age of 3601 s', 'caches it for up to 1 h', undefined],
  ])('describes %j in full', async (value, result, did, wrapper, change) => {
    const finding = await found(answered(200, { headers: { 'cache-control': value } }))
    expect(judgeCacheControl(finding)).toEqual({ result, did, wrapper, change })
  })

  it('is skipped without a verdict', async () => {
    const row = { result: 'skipped', did: 'there was no verdict', wrapper: '-' }
    const others = [silent('unreachable'), answered(404)]
    for (const finding of [undefined, ...(await Promise.all(others.map(found)))]) {
      expect(judgeCacheControl(finding)).toEqual(row)
    }
  })
})

const URL_ASKED = 'http://127.0.0.1/'

// tests/runtimes/command.test.ts makes such connections on each runtime, whose codes differ.
describe('no answer', () => {
  const UNTRUSTED = words(`
    DEPTH_ZERO_SELF_SIGNED_CERT SELF_SIGNED_CERT_IN_CHAIN CERT_UNTRUSTED
    UNABLE_TO_VERIFY_LEAF_SIGNATURE UNABLE_TO_GET_ISSUER_CERT_LOCALLY
  `)
  const NO_TLS = words('EPROTO ERR_SSL_PACKET_LENGTH_TOO_LONG ERR_SSL_WRONG_VERSION_NUMBER')

  it.each<readonly [code: string, why: string, change: RegExp]>([
    ['ENOTFOUND', 'its host is unknown', /^correct the host of URL$/],
    ['EHOSTUNREACH', 'no route leads to its host', /^correct the host of URL$/],
    ['ENETUNREACH', 'no route leads to its network', /^correct the host of URL$/],
    ['EAI_AGAIN', 'the name server cannot resolve its host', /the name server of this machine$/],
    ['CERT_HAS_EXPIRED', 'its certificate has expired', /^renew the certificate$/],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'its certificate is for another host', /^use a host name of/],
    ...UNTRUSTED.map((code) => [code, 'its certificate is not trusted here', /=ca.pem$/] as const),
    ...NO_TLS.map((code) => [code, 'the TLS handshake failed', /^begin URL with http:/] as const),
    [
      'HPE_INVALID_CONSTANT',
      'the server there does not speak HTTP',
      /another service listens there$/,
    ],
    ['BAD_PORT', 'fetch blocks this port', /^serve the endpoint on another port/],
    ['EPIPE', 'the connection closed without an answer', /^look into the log of the endpoint, and/],
    ['EWHATEVER', 'the connection failed', /^correct URL, or the network between/],
    ['constructor', 'the connection failed', /^correct URL, or the network between/],
  ])('with %s', (code, why, change) => {
    const url = 'https://a.example/?from=http://b.example/'
    expect(obstacleAtStart(silent('unreachable', code), url)).toEqual({
      why: `${why} (${code})`,
      change: expect.stringMatching(change) as string,
    })
  })

  it('without a code, or from a port that may have TLS', () => {
    expect(obstacleAtStart(silent('unreachable'), URL_ASKED)?.why).toBe('the connection failed')
    const closed = obstacleAtStart(silent('unreachable', 'ECONNRESET'), 'HTTP://127.0.0.1/')
    expect(closed?.change).toBe(
      'begin URL with https:// if this port has TLS, or look into the log of the endpoint',
    )
  })

  it('after earlier answers, names the question', () => {
    expect(obstacleLater(silent('unreachable'), 'an empty "api_key"')).toEqual({
      why: 'the endpoint stopped answering',
      change: 'answer an empty "api_key" too: the endpoint answered every question before',
    })
  })
})

describe('the first answer', () => {
  it.each([
    [404, 'nothing is under this URL (404)', /^correct the path of URL; if/],
    [410, 'nothing is under this URL (410)', /^correct the path of URL; if/],
    [405, 'this URL accepts no POST (405)', /accept POST/],
    [501, 'this URL accepts no POST (501)', /accept POST/],
    [502, 'the endpoint is unavailable (502)', /^start the endpoint/],
    [504, 'the endpoint is unavailable (504)', /^start the endpoint/],
  ])('%i: %s', (status, why, change) => {
    expect(obstacleAtStart(answered(status), URL_ASKED)).toEqual({
      why,
      change: expect.stringMatching(change),
    })
  })

  it.each([200, 201, 400, 401, 403, 422, 429, 500, 505])('%i is not an obstacle', (status) => {
    expect(obstacleAtStart(answered(status), URL_ASKED)).toBeUndefined()
  })

  const html = { 'content-type': 'Text/HTML; charset=utf-8' }
  it.each([
    ['<!doctype html><title>App</title>', {}],
    ['\n <HTML>', {}],
    [undefined, html],
  ])('recognizes a web page: %j with %j', (body, headers) => {
    expect(obstacleAtStart(answered(200, { body, headers }), URL_ASKED)).toEqual({
      why: 'a web page answered',
      change: 'correct URL: a web page that always answers 200 allows every key',
    })
  })

  // Flask sends a page with each 401. PHP labels every body as HTML.
  it.each([
    [401, '<!doctype html><title>401 Unauthorized</title>', html],
    [200, '', html],
    [200, 'ok', html],
    [200, '{"principal":"<html>"}', html],
    [200, '<htmlish>', html],
    [200, undefined, {}],
  ])('is not a web page: %i with %j and %j', (status, body, headers) => {
    expect(obstacleAtStart(answered(status, { body, headers }), URL_ASKED)).toBeUndefined()
  })
})
