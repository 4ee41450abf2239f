import { describe, expect, it } from 'vitest'
import { rememberAdmission } from '../../src/core/response/admission.ts'
import { followPassage } from '../../src/core/response/passage.ts'
import { createForward } from '../../src/gateway/forward.ts'
import { resolveGateway } from '../../src/gateway/options.ts'
import { get, raw } from '../support/requests.ts'
import type { Admission } from '../../src/core/response/admission.ts'
import type { Forwarding } from '../../src/gateway/exchange.ts'

const ALICE: Admission = {
  admitted: true,
  auth: { principal: 'alice', attributes: { roles: ['admin'] } },
}
const EXEMPT: Admission = { admitted: true, exemption: 'public' }

const gateway = resolveGateway({ upstream: 'http://127.0.0.1:8321/base' })
const forward = createForward(gateway)

function admit(request: Request, admission: Admission = ALICE): Request {
  rememberAdmission(request, admission, ['bearer'])
  return request
}

function planOf(request: Request, by = forward): Forwarding {
  const plan = by(request, [])
  if (typeof plan === 'string') throw new Error(plan)
  return plan
}

function post(body: string, headers: Record<string, string> = {}): Request {
  return new Request('https://api.test/x', { method: 'POST', body, headers })
}

it('turns a request into one for the upstream', () => {
  const { url, init } = planOf(admit(get('/%78?a=1', 'secret', { accept: '*/*' })))
  expect(url).toBe('http://127.0.0.1:8321/base/x?a=1')
  expect(init).toMatchObject({ method: 'GET', body: null, duplex: 'half', redirect: 'manual' })
  expect(Object.fromEntries(init.headers)).toEqual({
    accept: '*/*',
    'accept-encoding': 'identity',
    via: expect.stringMatching(/^1\.1 with-auth-/) as string,
    'x-auth-attributes': '{"roles":["admin"]}',
    'x-auth-principal': 'alice',
    'x-forwarded-host': 'api.example.test',
    'x-forwarded-proto': 'https',
  })
})

it('A-I4 says nobody where nobody was asked, whatever the client says', () => {
  const request = get('/', undefined, { 'x-auth-principal': 'admin', x_auth_attributes: '{}' })
  const { headers } = planOf(admit(request, EXEMPT)).init
  expect([...headers.keys()].filter((name) => name.includes('auth'))).toEqual([])
})

it('A-I3 sets its own fields after taking away what Connection names (CVE-2024-45410, CVE-2026-29054, GHSA-w9mr-28mw-j8hg)', () => {
  const connection =
    'close, X-Auth-Principal, X-Forwarded-Proto, X-Forwarded-Host, Via, Accept-Encoding'
  const { headers } = planOf(admit(get('/', 'secret', { connection }))).init
  expect(headers.get('x-auth-principal')).toBe('alice')
  expect(headers.get('x-forwarded-proto')).toBe('https')
  expect(headers.get('via')).toMatch(/^1\.1 with-auth-/)
  expect(headers.get('accept-encoding')).toBe('identity')
})

describe('does not pass on', () => {
  it.each<[string, Request]>([
    ['a request that no guard saw', get('/')],
    ['a copy of one that a guard let in', admit(get('/')).clone()],
  ])('%s', (_, request) => {
    expect(forward(request, [])).toBe('not_configured')
  })

  it.each([
    'https://api.test/a/../b',
    'https://api.test',
    String.raw`https://api.test/a\b`,
    'https://h"/x',
  ])('A-P23 a target that has no one meaning: %s', (url) => {
    expect(forward(admit(raw(url)), [])).toBe('malformed_request')
  })

  it.each(['CONNECT', 'TRACE', 'TRACK', 'get', 'Post', '', 'G ET'])(
    'R16 R63 A-I10 A-P19 the method %j',
    (method) => {
      const request = Object.defineProperty(get('/'), 'method', { value: method })
      expect(forward(admit(request), [])).toBe('method_not_allowed')
    },
  )

  it.each(['gzip, chunked', 'chunked, chunked', 'gzip', 'identity', ''])(
    'A-I9 a body with the transfer coding %j',
    (coding) => {
      const request = admit(post('hello', { 'transfer-encoding': coding }))
      expect(forward(request, [])).toBe('transfer_coding_not_supported')
    },
  )

  it.each(['websocket', 'WebSocket', 'h2c, websocket', 'websocket/13'])(
    'A-I10 an upgrade to %s',
    (upgrade) => {
      expect(forward(admit(get('/', 'k', { upgrade })), [])).toBe('upgrade_not_supported')
    },
  )

  it('a request that comes from itself', () => {
    const { headers } = planOf(admit(get('/'))).init
    const again = admit(get('/', 'k', { via: headers.get('via') ?? '' }))
    expect(forward(again, [])).toBe('loop_detected')
    expect(planOf(again, createForward(gateway)).init.headers.get('via')).toContain(
      ', 1.1 with-auth-',
    )
  })

  it('R10 A-E25 a principal that no field can hold', () => {
    const auth = { principal: 'a\r\nX-Admin: 1', attributes: {} }
    const request = admit(get('/'), { admitted: true, auth })
    expect(forward(request, [])).toBe('identity_not_forwardable')
  })

  it('what a runtime let in and does not let out', () => {
    expect(forward(admit(raw('https://api.test/', { 'x-y': 'a\nb' })), [])).toBe(
      'malformed_request',
    )
  })
})

it.each(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND', 'M-SEARCH'])(
  'passes the method %s on, and an upgrade to h2c as if nobody had asked',
  (method) => {
    const request = new Request('https://api.test/', { method, headers: { upgrade: 'h2c' } })
    expect(planOf(admit(request)).init.method).toBe(method)
  },
)

describe('A-I9 a body', () => {
  it('is the stream of the request, with its length', () => {
    const request = admit(post('hello', { 'content-length': '5' }))
    const { init } = planOf(request)
    expect(init.body).toBe(request.body)
    expect(request.bodyUsed).toBe(false)
    expect(init.headers.get('content-length')).toBe('5')
  })

  it.each<[string, Record<string, string>]>([
    ['in chunks', {}],
    ['in Chunks', { 'transfer-encoding': 'Chunked' }],
    ['in chunks, and with a length', { 'transfer-encoding': 'chunked', 'content-length': '5' }],
    ['with two lengths', { 'content-length': '5, 6' }],
    ['with a length that is none', { 'content-length': '+5' }],
    ['with a hexadecimal length', { 'content-length': '0x5' }],
    ['with other spellings of these', { transfer_encoding: 'chunked', content_length: '5' }],
  ])('that came %s has none', (_, headers) => {
    const { init } = planOf(admit(post('hello', headers)))
    expect([...init.headers.keys()].filter((name) => /length|encoding/.test(name))).toEqual([
      'accept-encoding',
    ])
  })

  it('of a GET is left, with its length', () => {
    const { init } = planOf(admit(get('/', 'k', { 'content-length': '5' })))
    expect(init.body).toBeNull()
    expect(init.headers.has('content-length')).toBe(false)
  })
})

describe('the request id of the log', () => {
  function allSent(name: string, headers: Record<string, string> = {}): Headers {
    const request = get('/', undefined, headers)
    followPassage(request).sentId = [name, 'made']
    return planOf(admit(request, EXEMPT)).init.headers
  }
  const sent = (...args: Parameters<typeof allSent>): string | null => allSent(...args).get(args[0])

  it('is passed on in place of what the client sent', () => {
    expect(sent('x-request-id')).toBe('made')
    expect(sent('X-Request-Id', { 'x-request-id': 'not valid' })).toBe('made')
  })

  it('is passed on even if Connection names its header', () => {
    const headers = { connection: 'X-Request-Id', 'x-request-id': 'kept1' }
    expect(sent('X-Request-Id', headers)).toBe('made')
  })

  it('is passed on alone: no other spelling of its header gets through', () => {
    const headers = { X_Request_Id: 'forged', 'x.request-id': 'forged', accept: '*/*' }
    const names = [...allSent('X-Request-Id', headers).keys()]
    expect(names.filter((name) => /^x.request/.test(name))).toEqual(['x-request-id'])
    expect(names).toContain('accept')
  })

  it('is not in the request', () => {
    const request = get('/', undefined, { 'x-request-id': 'not valid' })
    followPassage(request).sentId = ['x-request-id', 'made']
    planOf(admit(request))
    expect(request.headers.get('x-request-id')).toBe('not valid')
  })

  it.each(['x-auth-principal', 'x_auth_principal', 'x-forwarded-for', 'x-real-ip', 'te'])(
    'is not passed on in %s, which a client may not send either',
    (name) => {
      expect(sent(name)).toBeNull()
    },
  )
})
