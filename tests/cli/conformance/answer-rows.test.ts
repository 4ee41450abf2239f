import { describe, expect, it } from 'vitest'
import {
  judgeCacheControl,
  judgeRedirects,
  judgeSpeed,
} from '../../../src/cli/conformance/judge.ts'
import { answered, found } from '../../support/probe-outcomes.ts'

describe('the speed', () => {
  const row = { check: 'slow answers', wrapper: 'waits' }
  const change = 'answer within some 100 ms: each request without a cached decision waits this long'

  it.each([
    [3, { ...row, result: 'ok', did: 'slowest: 3 ms' }],
    [999, { ...row, result: 'ok', did: 'slowest: 999 ms' }],
    [1000, { ...row, result: 'note', did: 'slowest: 1000 ms', change }],
    [1500, { ...row, result: 'note', did: 'slowest: 1500 ms', change }],
  ])('of %i ms is told as a whole', async (durationMs, expected) => {
    const findings = [
      await found(answered(200, { durationMs: 1 })),
      await found(answered(401, { durationMs })),
    ]
    expect(judgeSpeed(findings, false)).toEqual(expected)
  })

  it('fails when there was no time for all questions', async () => {
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
  it('fail wherever they are', async () => {
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
      change: 'answer with 400 or 401 in place of a redirect, such as to a login page',
    })
  })
})

describe('Cache-Control', () => {
  it.each([
    [undefined, 'note', 'says nothing'],
    ['private', 'note', 'says nothing'],
    ['max-age=30', 'ok', 'max-age of 30 s'],
    ['max-age=99999999', 'ok', 'max-age of 99999999 s'],
    ['no-store', 'note', 'forbids caching'],
    ['max-age=soon', 'note', 'forbids caching'],
  ])('of %j is %s', async (value, result, did) => {
    const headers: Record<string, string> = value === undefined ? {} : { 'cache-control': value }
    expect(judgeCacheControl(await found(answered(200, { headers })))).toMatchObject({
      result,
      did,
    })
  })

  const KEEPS = 'obeys the option "cache"'
  it.each([
    [
      'public',
      {
        result: 'note',
        did: 'says nothing',
        wrapper: KEEPS,
        change: 'send "Cache-Control: max-age=30" if a decision must not be cached for longer',
      },
    ],
    [
      'max-age=0',
      {
        result: 'note',
        did: 'forbids caching',
        wrapper: 'does not cache it',
        change:
          'send "max-age" with some seconds if a decision may be cached: now each request asks',
      },
    ],
    ['max-age=1', { result: 'ok', did: 'max-age of 1 s', wrapper: 'caches it no longer' }],
    ['max-age=3600', { result: 'ok', did: 'max-age of 3600 s', wrapper: 'caches it no longer' }],
    [
      'max-age=3601',
      { result: 'ok', did: 'max-age of 3601 s', wrapper: 'caches it for up to 1 h' },
    ],
  ])('of %j is told as a whole', async (value, row) => {
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
