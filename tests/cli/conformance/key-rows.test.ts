import { describe, expect, it } from 'vitest'
import {
  judgeBadKey,
  judgeGoodKey,
  judgeIdentity,
  judgeNonsense,
} from '../../../src/cli/conformance/judge.ts'
import { answered, found } from '../../support/probe-outcomes.ts'
import type { ProbeOutcome } from '../../../src/cli/conformance/probe.ts'

const KEY = 'sk-0123456789'
const silent: ProbeOutcome = { kind: 'silence', reason: 'timeout', durationMs: 5000 }

describe('a good key', () => {
  it('must be let in', async () => {
    expect(judgeGoodKey('good key', await found(answered(200)))).toEqual({
      check: 'good key',
      result: 'ok',
      did: '200 in 3 ms',
      wrapper: 'allows, no principal',
    })
  })

  it.each([
    [201, /exactly 200/],
    [204, /exactly 200/],
    [302, /in place of the redirect/],
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
  ])('is not, by a %i', async (status, change) => {
    const row = judgeGoodKey('good key', await found(answered(status)))
    expect(row.result).toBe('fail')
    expect(row.change).toMatch(change)
  })

  it('is not, by what ends the questions', async () => {
    const obstacle = { why: 'a web page answered', change: 'correct URL' }
    const finding = { ...(await found(answered(200))), obstacle }
    expect(judgeGoodKey('good key', finding)).toEqual({
      check: 'good key',
      result: 'fail',
      did: '200 in 3 ms',
      wrapper: 'allows, no principal',
      change: 'correct URL',
    })
  })
})

describe('a bad key', () => {
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
  ])('must be refused; a %i is %s', async (status, result) => {
    expect(judgeBadKey('bad key', await found(answered(status))).result).toBe(result)
  })

  it('must not be let in by a page that answers everybody', async () => {
    const row = judgeBadKey('bad key', await found(answered(200)))
    expect(row.change).toMatch(/allows every key/)
  })

  it('is told how to be refused, where a 404 refuses it', async () => {
    expect(judgeBadKey('bad key', await found(answered(404)))).toEqual({
      check: 'bad key',
      result: 'note',
      did: '404 in 3 ms',
      wrapper: 'rejects: denied',
      change: 'answer 401 or 403: only these denials are cached, and a 404 looks like a wrong URL',
    })
  })

  it('is not told of a wrong URL by another status', async () => {
    expect(judgeBadKey('bad key', await found(answered(400))).change).toBe(
      'answer 401 or 403: only these denials are cached',
    )
  })

  it('that is let in is told in the words of its row', async () => {
    const row = judgeBadKey('other-case key', await found(answered(200)), 'compare bytes')
    expect(row).toMatchObject({ result: 'fail', change: 'compare bytes' })
  })

  it.each([404, 401])('is not judged by a %i that ends the questions', async (status) => {
    const obstacle = { why: 'nothing is under this URL', change: 'correct the path' }
    const finding = { ...(await found(answered(status))), obstacle }
    expect(judgeBadKey('bad key', finding)).toMatchObject({
      result: 'fail',
      change: 'correct the path',
    })
  })
})

describe('what is no question', () => {
  it.each([
    [400, 'ok'],
    [401, 'ok'],
    [422, 'ok'],
    [200, 'fail'],
    [500, 'fail'],
  ])('must be refused, and is no outage; a %i is %s', async (status, result) => {
    const row = judgeNonsense('malformed JSON', await found(answered(status)), 'nonsense')
    expect(row).toMatchObject({ result, wrapper: 'never sends this' })
    expect(row.change ?? 'answer 400 to nonsense').toContain('answer 400 to nonsense')
  })

  it('must be answered', async () => {
    expect(judgeNonsense('malformed JSON', await found(silent), 'nonsense').result).toBe('fail')
  })

  it('and is limited is told to limit less', async () => {
    const row = judgeNonsense('malformed JSON', await found(answered(429)), 'nonsense')
    expect(row).toMatchObject({ result: 'fail', change: expect.stringMatching(/^do not limit/) })
  })

  it('and is let in is told in the words of its row', async () => {
    const finding = await found(answered(200))
    const row = judgeNonsense('structured key', finding, 'nonsense', 'compare bytes')
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
  ])('that is dropped fails, and the field is named: %s', async (body, change) => {
    const headers = { 'content-type': 'application/json' }
    const row = judgeIdentity(await found(answered(200, { body, headers })), KEY)
    expect(row).toEqual({
      check: 'identity',
      result: 'fail',
      did: 'sends a faulty identity',
      wrapper: 'allows, no principal',
      change: expect.stringContaining(`correct these: ${change}`) as string,
    })
    expect(JSON.stringify(row)).not.toMatch(/s3cret|0123456/)
  })

  it('names eight fields that are wrong at most', async () => {
    const attributes = Object.fromEntries(Array.from({ length: 20 }, (_, at) => [`a${at}`, at]))
    const body = JSON.stringify({ attributes })
    const { change } = judgeIdentity(await found(answered(200, { body })), KEY)
    expect(change?.match(/must be/g)).toHaveLength(8)
  })

  it('is not looked at without an allow', async () => {
    expect(judgeIdentity(await found(answered(401)), KEY).result).toBe('skipped')
  })
})
