import { STATUS_CODES } from 'node:http'
import { describe, expect, it } from 'vitest'
import { followPassage, passageOf } from '../../src/gateway/passage.ts'
import { createRefusal, describeFailure } from '../../src/gateway/refusal.ts'
import { get, raw } from '../support/requests.ts'

it.each([
  ['not_configured', 500, 'api_error', 'Authentication is not configured'],
  ['method_not_allowed', 405, 'invalid_request_error', 'Method not allowed'],
  ['client_left', 499, 'invalid_request_error', 'The client disconnected'],
  [
    'origin_not_allowed',
    403,
    'invalid_request_error',
    'The page of this WebSocket has another origin',
  ],
  ['upstream_timeout', 504, 'api_error', 'Upstream service error'],
] as const)('the response for %s has the status %i', async (code, status, type, message) => {
  const response = createRefusal(code, 'GET')
  expect([response.status, response.statusText]).toEqual([status, STATUS_CODES[status] ?? ''])
  const { allow, ...headers } = Object.fromEntries(response.headers)
  expect(headers).toEqual({ 'content-type': 'application/json', 'cache-control': 'no-store' })
  expect(allow).toBe(status === 405 ? 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS' : undefined)
  expect(await response.json()).toEqual({ error: { message, type, code } })
})

describe('the description of a failure', () => {
  it('names the code, the request and the runtime error', () => {
    const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })
    const error = new TypeError('fetch failed', { cause: refused })
    const failure = describeFailure(get('/x?key=secret'), 'upstream_unreachable', error)
    expect(failure).toEqual({
      code: 'upstream_unreachable',
      status: 502,
      method: 'GET',
      path: '/x',
      cause: 'ECONNREFUSED',
    })
    expect(Object.isFrozen(failure)).toBe(true)
  })

  it.each([
    [Object.assign(new Error('gone'), { code: 'ConnectionRefused' }), 'ConnectionRefused'],
    [new TypeError('secret'), 'TypeError'],
    [Object.assign(new Error('gone'), { code: 'a secret: x' }), 'Error'],
    [Object.assign(new Error('gone'), { name: 'a secret: x' }), undefined],
    [new Error('gone', { cause: 'secret' }), 'Error'],
    ['secret', undefined],
    [undefined, undefined],
  ])('holds a name of %s and never a message', (error, cause) => {
    const failure = describeFailure(get('/', 'secret'), 'upstream_unreachable', error)
    expect(failure.cause).toBe(cause)
    expect(JSON.stringify(failure)).not.toContain('secret')
  })

  it('truncates a long method and path, and omits a path that cannot be parsed', () => {
    const verbose = Object.defineProperty(get('/'), 'method', { value: 'M'.repeat(1000) })
    expect(describeFailure(verbose, 'method_not_allowed').method).toHaveLength(32)
    const long = raw(`https://api.test/${'a'.repeat(1000)}`)
    expect(describeFailure(long, 'malformed_request').path).toHaveLength(256)
    expect(describeFailure(raw('https://api.test'), 'malformed_request').path).toBe('')
  })

  it('reaches only the log of its request', () => {
    const [request, other] = [get('/x', 'secret'), get('/x', 'secret')]
    const passage = followPassage(request)
    const failure = describeFailure(request, 'client_left')
    describeFailure(other, 'upstream_timeout')
    expect(passage.failure).toBe(failure)
    expect(passageOf(other)).toBeUndefined()
  })
})
