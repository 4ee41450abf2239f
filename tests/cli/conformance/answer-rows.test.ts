import { describe, expect, it } from 'vitest'
import {
  judgeCacheControl,
  judgeRedirects,
  judgeSpeed,
} from '../../../src/cli/conformance/answer-rows.ts'
import { answered, found } from '../../support/probe-outcomes.ts'

describe('the speed', () => {
  it.each([
    [3, 'ok'],
    [999, 'ok'],
    [1500, 'note'],
  ])('of %i ms is %s', async (durationMs, result) => {
    const findings = [await found(answered(200)), await found(answered(401, { durationMs }))]
    expect(judgeSpeed(findings, 5000)).toMatchObject({
      result,
      did: `the slowest of 2 took ${durationMs} ms`,
    })
  })

  it('is told as a whole', async () => {
    const took = async (durationMs: number) =>
      judgeSpeed([await found(answered(200, { durationMs }))], 5000)
    const check = 'slow answers'
    expect(await took(999)).toEqual({
      check,
      result: 'ok',
      did: 'the slowest of 1 took 999 ms',
      wrapper: 'waits',
    })
    expect(await took(1000)).toEqual({
      check,
      result: 'note',
      did: 'the slowest of 1 took 1000 ms',
      wrapper: 'waits',
      change: 'answer within some 100 ms: each request that finds no kept verdict waits this long',
    })
  })

  it('is not what fails where the endpoint is not there', async () => {
    const lost = await found({ kind: 'silence', reason: 'unreachable', durationMs: 2 })
    expect(judgeSpeed([lost], 5000)).toMatchObject({ result: 'ok' })
  })

  it('fails when an answer does not come in time', async () => {
    const late = await found({ kind: 'silence', reason: 'timeout', durationMs: 5000 })
    expect(judgeSpeed([await found(answered(200)), late], 5000)).toMatchObject({
      result: 'fail',
      did: '1 did not end in time',
      wrapper: 'refuses: timeout, after 5000 ms',
      change: 'answer sooner: each request waits for the endpoint',
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
      wrapper: 'follows none, refuses: denied',
      change: 'answer under the URL that is configured, or configure the one that it leads to',
    })
  })
})

describe('Cache-Control', () => {
  it.each([
    [undefined, 'note', 'says nothing'],
    ['private', 'note', 'says nothing'],
    ['max-age=30', 'ok', 'max-age of 30 s'],
    ['max-age=99999999', 'ok', 'max-age of 99999999 s'],
    ['no-store', 'note', 'forbids to keep it'],
    ['max-age=soon', 'note', 'forbids to keep it'],
  ])('of %j is %s', async (value, result, did) => {
    const headers: Record<string, string> = value === undefined ? {} : { 'cache-control': value }
    expect(judgeCacheControl(await found(answered(200, { headers })))).toMatchObject({
      result,
      did,
    })
  })

  const KEEPS = 'keeps it as long as "cache" says'
  it.each([
    [
      'public',
      {
        result: 'note',
        did: 'says nothing',
        wrapper: KEEPS,
        change: 'send "Cache-Control: max-age=30" if a verdict must not be kept for longer',
      },
    ],
    [
      'max-age=0',
      {
        result: 'note',
        did: 'forbids to keep it',
        wrapper: 'neither keeps nor shares it',
        change: 'send "max-age" with some seconds, if a verdict may be kept: each request asks',
      },
    ],
    ['max-age=1', { result: 'ok', did: 'max-age of 1 s', wrapper: 'keeps it no longer' }],
    ['max-age=3600', { result: 'ok', did: 'max-age of 3600 s', wrapper: 'keeps it no longer' }],
    [
      'max-age=3601',
      { result: 'ok', did: 'max-age of 3601 s', wrapper: `${KEEPS}, an hour at most` },
    ],
  ])('of %j is told as a whole', async (value, row) => {
    const finding = await found(answered(200, { headers: { 'cache-control': value } }))
    expect(judgeCacheControl(finding)).toEqual({ check: 'Cache-Control', ...row })
  })

  it('is not looked at without an answer', async () => {
    const did = 'there was no answer'
    const row = { check: 'Cache-Control', result: 'skipped', did, wrapper: '-' }
    expect(judgeCacheControl(undefined)).toEqual(row)
    const silence = await found({ kind: 'silence', reason: 'unreachable', durationMs: 1 })
    expect(judgeCacheControl(silence)).toEqual(row)
  })
})
