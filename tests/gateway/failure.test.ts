import { expect, it } from 'vitest'
import { followPassage, passageOf } from '../../src/core/response/passage.ts'
import { describeFailure } from '../../src/gateway/refusal.ts'
import { get, raw } from '../support/requests.ts'

it('says what failed, on what, and how the runtime calls it', () => {
  const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })
  const error = new TypeError('fetch failed', { cause: refused })
  expect(describeFailure(get('/x?key=secret'), 'upstream_unreachable', error)).toEqual({
    code: 'upstream_unreachable',
    status: 502,
    method: 'GET',
    path: '/x',
    cause: 'ECONNREFUSED',
  })
})

it.each([
  [Object.assign(new Error('gone'), { code: 'ConnectionRefused' }), 'ConnectionRefused'],
  [new TypeError('secret'), 'TypeError'],
  [Object.assign(new Error('gone'), { code: 'a secret: x' }), 'Error'],
  [Object.assign(new Error('gone'), { name: 'a secret: x' }), undefined],
  [new Error('gone', { cause: 'secret' }), 'Error'],
  ['secret', undefined],
  [undefined, undefined],
])('A-L1 takes of %s a name and no message', (error, cause) => {
  const failure = describeFailure(get('/', 'secret'), 'upstream_unreachable', error)
  expect(failure.cause).toBe(cause)
  expect(JSON.stringify(failure)).not.toContain('secret')
  expect(Object.isFrozen(failure)).toBe(true)
})

it('A-L8 shows not more than a part of what a client made long, and no path that is none', () => {
  const long = raw(`https://api.test/${'a'.repeat(1000)}`, {}, 'GET')
  expect(describeFailure(long, 'malformed_request', undefined).path).toHaveLength(256)
  expect(describeFailure(raw('https://api.test'), 'malformed_request', undefined).path).toBe('')
})

it('is known to the log that follows the request', () => {
  const [request, other] = [get('/x', 'secret'), get('/x', 'secret')]
  const passage = followPassage(request)
  const failure = describeFailure(request, 'client_left', undefined)
  describeFailure(other, 'upstream_timeout', undefined)
  expect(passage.failure).toBe(failure)
  expect(passageOf(other)).toBeUndefined()
})
