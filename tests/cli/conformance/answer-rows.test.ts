import { describe, expect, it } from 'vitest'
import {
  judgeCacheControl,
  judgeRedirects,
  judgeSpeed,
} from '../../../src/cli/conformance/judge.ts'
import { answered, found } from '../../support/probe-outcomes.ts'

describe('the speed', () => {
  const row = { check: 'slow answers', wrapper: 'waits' }
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
    const check = 'redirects'
    expect(judgeRedirects(findings.slice(0, 1))).toEqual({
      check,
      result: 'ok',
      did: 'none',
      wrapper: 'follows none',
    })
    expect(judgeRedirects(findings)).toEqual({
      check,
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
    ['max-age=1', { result: 'ok', did: 'max-age of 1 s', wrapper: 'caches it no longer' }],
    ['max-age=3600', { result: 'ok', did: 'max-age of 3600 s', wrapper: 'caches it no longer' }],
    [
      'max-age=3601',
      { result: 'ok', did: 'max-age of 3601 s', wrapper: 'caches it for up to 1 h' },
    ],
  ])('describes %j in full', async (value, row) => {
    const finding = await found(answered(200, { headers: { 'cache-control': value } }))
    expect(judgeCacheControl(finding)).toEqual({ check: 'Cache-Control', ...row })
  })

  it('is skipped without a verdict', async () => {
    const did = 'there was no verdict'
    const row = { check: 'Cache-Control', result: 'skipped', did, wrapper: '-' }
    expect(judgeCacheControl(undefined)).toEqual(row)
    const silence = await found({ kind: 'silence', reason: 'unreachable', durationMs: 1 })
    expect(judgeCacheControl(silence)).toEqual(row)
    expect(judgeCacheControl(await found(answered(404)))).toEqual(row)
  })
})
