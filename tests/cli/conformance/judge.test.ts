import { describe, expect, it } from 'vitest'
import {
  judgeBadKey,
  judgeCacheControl,
  judgeGoodKey,
  judgeIdentity,
  judgeNonsense,
  judgeRedirects,
  judgeSpeed,
} from '../../../src/cli/conformance/judge.ts'
import { answered, found, silent } from '../../support/probe-outcomes.ts'

const KEY = 'sk-0123456789'

describe('the valid key', () => {
  it.each([
    [201, /exactly 200/],
    [204, /exactly 200/],
    [302, /instead of a redirect/],
    [400, /"api_key"/],
    [401, /does the endpoint know the key/],
    [403, /does the endpoint know the key/],
    [404, /nothing under this URL/],
    [405, /accept POST/],
    [413, /64 KiB/],
    [415, /application\/json/],
    [422, /lists of strings/],
    [429, /do not limit/],
    [431, /in the body/],
    [500, /taken for an outage/],
  ])('must be allowed: %i fails', async (status, change) => {
    const row = judgeGoodKey(await found(answered(status)))
    expect(row.result).toBe('fail')
    expect(row.change).toMatch(change)
  })
})

describe('a wrong key', () => {
  it.each([
    [401, 'ok'],
    [403, 'ok'],
    [404, 'note'],
    [400, 'note'],
    [201, 'note'],
    [200, 'fail'],
    [302, 'fail'],
    [429, 'fail'],
    [500, 'fail'],
  ])('must be denied: %i is %s', async (status, result) => {
    expect(judgeBadKey(await found(answered(status))).result).toBe(result)
  })

  it('advises a 401 or 403 instead of a 404', async () => {
    expect(judgeBadKey(await found(answered(404)))).toEqual({
      result: 'note',
      did: '404 in 3 ms',
      wrapper: 'rejects: denied',
      change: 'answer 401 or 403: only these denials are cached, and a 404 looks like a wrong URL',
    })
  })

  it('uses the advice of its row if it was allowed', async () => {
    const row = judgeBadKey(await found(answered(200)), 'compare bytes')
    expect(row).toMatchObject({ result: 'fail', change: 'compare bytes' })
  })

  it.each([404, 401])('shows the advice of the obstacle after %i', async (status) => {
    const obstacle = { why: 'nothing is under this URL', change: 'correct the path' }
    const finding = { ...(await found(answered(status))), obstacle }
    expect(judgeBadKey(finding)).toMatchObject({
      result: 'fail',
      change: 'correct the path',
    })
  })
})

describe('an invalid body', () => {
  it.each([
    [400, 'ok'],
    [401, 'ok'],
    [422, 'ok'],
    [200, 'fail'],
    [500, 'fail'],
  ])('must be denied without looking like an outage: %i is %s', async (status, result) => {
    const row = judgeNonsense(await found(answered(status)), 'nonsense')
    expect(row).toMatchObject({ result, wrapper: 'never sends this' })
    expect(row.change ?? 'answer 400 to nonsense').toContain('answer 400 to nonsense')
  })

  it('must be answered', async () => {
    expect(judgeNonsense(await found(silent('timeout')), 'nonsense').result).toBe('fail')
  })

  it('advises fewer limits after a 429', async () => {
    const row = judgeNonsense(await found(answered(429)), 'nonsense')
    expect(row).toMatchObject({ result: 'fail', change: expect.stringMatching(/^do not limit/) })
  })

  it('uses the advice of its row if it was allowed', async () => {
    const finding = await found(answered(200))
    const row = judgeNonsense(finding, 'nonsense', 'compare bytes')
    expect(row).toMatchObject({ result: 'fail', change: 'compare bytes' })
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

  it('is skipped if the key was denied', async () => {
    expect(judgeIdentity(await found(answered(401)), KEY).result).toBe('skipped')
  })
})

describe('the speed', () => {
  const row = { wrapper: 'waits' }
  const change =
    'answer within about 100 ms: each request without a cached decision waits this long'

  it.each([
    [3, { ...row, result: 'ok', did: 'slowest: 3 ms' }],
    [999, { ...row, result: 'ok', did: 'slowest: 999 ms' }],
    [1000, { ...row, result: 'note', did: 'slowest: 1000 ms', change }],
    [1500, { ...row, result: 'note', did: 'slowest: 1500 ms', change }],
  ])('judges %i ms', async (durationMs, expected) => {
    const findings = [
      await found(answered(200, { durationMs: 1 })),
      await found(answered(401, { durationMs })),
    ]
    expect(judgeSpeed(findings, false)).toEqual(expected)
  })

  it('fails when the time for all questions is up', async () => {
    const finding = await found(answered(200))
    const failed = { ...row, result: 'fail', change }
    expect(judgeSpeed([finding], true)).toEqual({ ...failed, did: '1 answer in a minute' })
    expect(judgeSpeed([finding, finding], true)).toEqual({
      ...failed,
      did: '2 answers in a minute',
    })
  })
})

describe('redirects', () => {
  it('fail in any answer', async () => {
    const findings = [await found(answered(401)), await found(answered(307))]
    expect(judgeRedirects(findings.slice(0, 1))).toEqual({
      result: 'ok',
      did: 'none',
      wrapper: 'follows none',
    })
    expect(judgeRedirects(findings)).toEqual({
      result: 'fail',
      did: '1 of 2',
      wrapper: 'rejects: denied',
      change: 'answer 400 or 401 instead of a redirect, such as one to a login page',
    })
  })
})

describe('Cache-Control', () => {
  const KEEPS = 'obeys the option "cache"'
  it.each([
    [
      'public',
      {
        result: 'note',
        did: 'says nothing',
        wrapper: KEEPS,
        change: 'send "Cache-Control: max-age=30" to limit how long a decision is cached',
      },
    ],
    [
      'max-age=0',
      {
        result: 'note',
        did: 'forbids caching',
        wrapper: 'does not cache it',
        change:
          'send "max-age" in seconds if a decision may be cached: now every request calls the endpoint',
      },
    ],
    ['max-age=1', { result: 'ok', did: 'max-age of 1 s', wrapper: 'caches it for at most that' }],
    [
      'max-age=3600',
      { result: 'ok', did: 'max-age of 3600 s', wrapper: 'caches it for at most that' },
    ],
    [
      'max-age=3601',
      { result: 'ok', did: 'max-age of 3601 s', wrapper: 'caches it for up to 1 h' },
    ],
  ])('describes %j in full', async (value, row) => {
    const finding = await found(answered(200, { headers: { 'cache-control': value } }))
    expect(judgeCacheControl(finding)).toEqual(row)
  })

  it('is skipped without a verdict', async () => {
    const did = 'there was no verdict'
    const row = { result: 'skipped', did, wrapper: '-' }
    expect(judgeCacheControl(undefined)).toEqual(row)
    const silence = await found(silent('unreachable'))
    expect(judgeCacheControl(silence)).toEqual(row)
    expect(judgeCacheControl(await found(answered(404)))).toEqual(row)
  })
})
