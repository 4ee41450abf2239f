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

  it('fails when an answer does not come in time', async () => {
    const late = await found({ kind: 'silence', reason: 'timeout', durationMs: 5000 })
    expect(judgeSpeed([await found(answered(200)), late], 5000)).toMatchObject({
      result: 'fail',
      did: '1 did not end in time',
      wrapper: 'refuses: timeout, after 5000 ms',
    })
  })
})

describe('redirects', () => {
  it('fail wherever they are', async () => {
    const findings = [await found(answered(401)), await found(answered(307))]
    expect(judgeRedirects(findings.slice(0, 1)).result).toBe('ok')
    expect(judgeRedirects(findings)).toMatchObject({ result: 'fail', did: '1 of 2' })
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

  it('is not looked at without an answer', async () => {
    expect(judgeCacheControl(undefined).result).toBe('skipped')
    const silence = await found({ kind: 'silence', reason: 'unreachable', durationMs: 1 })
    expect(judgeCacheControl(silence).result).toBe('skipped')
  })
})
