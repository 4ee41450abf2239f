import { describe, expect, it } from 'vitest'
import {
  judgeBadKey,
  judgeCacheControl,
  judgeGoodKey,
  judgeIdentity,
  judgeNonsense,
  judgeRedirects,
} from '../../../src/cli/conformance/judge.ts'
import { answered, found, silent } from '../../support/probe-outcomes.ts'

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
    async (status, ...expected) => {
      const finding = await found(answered(status))
      const [good, bad, nonsense] = [
        judgeGoodKey(finding),
        judgeBadKey(finding),
        judgeNonsense(finding, 'nonsense'),
      ]
      const advice = expected.pop() as RegExp
      expect([good.result, bad.result, nonsense.result]).toEqual(expected)
      expect(good.change ?? '').toMatch(advice)
      expect(nonsense.wrapper).toBe('never sends this')
      const toNonsense = status === 429 ? advice : /^answer 400 to nonsense/
      expect(nonsense.change ?? 'answer 400 to nonsense').toMatch(toNonsense)
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
