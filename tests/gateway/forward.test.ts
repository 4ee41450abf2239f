import { describe, expect, it } from 'vitest'
import { admissionOf, rememberAdmission } from '../../src/core/response/admission.ts'
import { followPassage } from '../../src/gateway/passage.ts'
import { createForward, createHops } from '../../src/gateway/forward.ts'
import { resolveGateway } from '../../src/gateway/options.ts'
import { authenticated } from '../../src/testing.ts'
import { get, raw } from '../support/requests.ts'
import { words } from '../support/words.ts'
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
  const { guards } = admissionOf(authenticated(get('/'))) ?? {}
  if (guards === undefined) throw new Error('The Request was not marked')
  rememberAdmission(request, admission, guards)
  return request
}

function forwarded(request: Request, by = forward): Forwarding {
  const forwarding = by(request, [])
  if (typeof forwarding === 'string') throw new Error(forwarding)
  return forwarding
}

function post(body: string, headers: Record<string, string> = {}): Request {
  return new Request('https://api.test/x', { method: 'POST', body, headers })
}

it('forwards an admitted request with the identity and the facts about the client', () => {
  const { url, init } = forwarded(admit(get('/%78?a=1', 'secret', { accept: '*/*' })))
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

describe('does not forward', () => {
  it.each(['CONNECT', 'TRACE', 'TRACK', 'get', 'Post', '', 'G ET'])('the method %j', (method) => {
    const request = Object.defineProperty(get('/'), 'method', { value: method })
    expect(forward(admit(request), [])).toBe('method_not_allowed')
  })

  it.each(['gzip, chunked', 'chunked, chunked', 'gzip', 'identity', ''])(
    'a body with the transfer coding %j',
    (coding) => {
      const request = admit(post('hello', { 'transfer-encoding': coding }))
      expect(forward(request, [])).toBe('transfer_coding_not_supported')
    },
  )

  it.each(['websocket', 'WebSocket', 'h2c, websocket', 'websocket/13', 'websocket , h2c'])(
    'an upgrade to %s',
    (upgrade) => {
      expect(forward(admit(get('/', 'k', { upgrade })), [])).toBe('upgrade_not_supported')
    },
  )

  it('a header that only some runtimes accept', () => {
    const request = admit(raw('https://api.test/', { 'x-y': 'a\nb' }))
    expect(forward(request, [])).toBe('malformed_request')
  })
})

it.each([...words('GET HEAD POST PUT PATCH DELETE OPTIONS PROPFIND M-SEARCH TRACKS')])(
  'forwards the method %s, and ignores an upgrade to h2c',
  (method) => {
    const request = new Request('https://api.test/', { method, headers: { upgrade: 'h2c' } })
    expect(forwarded(admit(request)).init.method).toBe(method)
  },
)

describe('Max-Forwards', () => {
  const send = (method: string, hops: string) =>
    forward(
      admit(new Request('https://api.test/', { method, headers: { 'max-forwards': hops } })),
      [],
    )
  const sent = (method: string, hops: string): string | undefined => {
    const forwarding = send(method, hops)
    if (typeof forwarding === 'string') throw new Error(forwarding)
    return forwarding.init.headers.get('max-forwards')
  }

  it.each([
    ['1', '0'],
    ['007', '6'],
    ['10', '9'],
    ['9'.repeat(64), '254'],
    ['-1', undefined],
    ['1, 5', undefined],
    ['', undefined],
    ['9'.repeat(65), undefined],
  ])('of OPTIONS %j is sent as %j', (hops, told) => {
    expect(sent('OPTIONS', hops)).toBe(told)
  })

  it.each(['0', '00'])('%s of OPTIONS ends here', (hops) => {
    expect(send('OPTIONS', hops)).toBe('final_recipient')
  })

  it('is ignored for GET, and TRACE is not allowed', () => {
    expect(sent('GET', '0')).toBe('0')
    const trace = Object.defineProperty(get('/', 'k', { 'max-forwards': '0' }), 'method', {
      value: 'TRACE',
    })
    expect(forward(admit(trace), [])).toBe('method_not_allowed')
  })
})

describe('a body', () => {
  it('is the stream of the request, with its length', () => {
    const request = admit(post('hello, world', { 'content-length': '12' }))
    const { init } = forwarded(request)
    expect(init.body).toBe(request.body)
    expect(request.bodyUsed).toBe(false)
    expect(init.headers.get('content-length')).toBe('12')
  })

  it.each<[string, Record<string, string>]>([
    ['in chunks', {}],
    ['in Chunks', { 'transfer-encoding': 'Chunked' }],
    ['in chunks, and with a length', { 'transfer-encoding': 'chunked', 'content-length': '5' }],
    ['with two lengths', { 'content-length': '5, 6' }],
    ['with a signed length', { 'content-length': '+5' }],
    ['with a hexadecimal length', { 'content-length': '0x5' }],
    ['with other spellings of these', { transfer_encoding: 'chunked', content_length: '5' }],
  ])('that came %s has no length (request smuggling)', (_, headers) => {
    const names = [...forwarded(admit(post('hello', headers), EXEMPT)).init.headers.keys()]
    expect(names).toEqual(
      words('via accept-encoding x-forwarded-proto x-forwarded-host content-type'),
    )
  })

  it.each(['GET', 'HEAD'])('of a %s is not dropped where the server does not show it', (method) => {
    const given = get('/', 'k', { 'content-length': '5' })
    const request = Object.defineProperty(given, 'method', { value: method })
    expect(forward(admit(request), [])).toBe('body_not_allowed')
  })

  it.each<[Record<string, string>, 'no' | 'a', 'may be' | 'is not']>([
    [{ 'content-length': '0' }, 'no', 'is not'],
    [{ 'content-length': '0', 'transfer-encoding': 'chunked' }, 'a', 'is not'],
    [{ 'content-length': '5' }, 'a', 'is not'],
    [{ 'transfer-encoding': 'chunked' }, 'a', 'is not'],
    [{}, 'a', 'may be'],
  ])('with the framing %j is %s body, and %s empty', (headers, has, empty) => {
    const { init, mayBeEmpty } = forwarded(admit(post('hello', headers)))
    expect(init.body === null).toBe(has === 'no')
    expect(mayBeEmpty).toBe(empty === 'may be')
  })
})

describe('the request id of the log', () => {
  function sentWith(
    name: string,
    headers: Record<string, string> = {},
  ): ReadonlyMap<string, string> {
    const request = get('/', undefined, headers)
    followPassage(request).sentId = [name, 'made']
    return forwarded(admit(request, EXEMPT)).init.headers
  }

  it('replaces the header of the client in every spelling, and not in the request itself', () => {
    const forged = { X_Request_Id: 'forged', 'x.request-id': 'forged', 'x-request-id': 'a b' }
    const headers = { ...forged, connection: 'X-Request-Id', accept: '*/*' }
    const sent = [...sentWith('X-Request-Id', headers)]
    expect(sent.filter(([name]) => /^x.request/.test(name))).toEqual([['x-request-id', 'made']])
    expect(sent.map(([name]) => name)).toContain('accept')

    const request = get('/', undefined, forged)
    followPassage(request).sentId = ['x-request-id', 'made']
    forwarded(admit(request))
    expect(request.headers.get('x-request-id')).toBe('a b')
  })

  it.each(['x-auth-principal', 'x_auth_principal', 'x-forwarded-for', 'x-real-ip', 'te'])(
    'is not sent in %s, which the gateway removes',
    (name) => {
      expect(sentWith(name).has(name)).toBe(false)
    },
  )
})

describe('Via', () => {
  const follow = createHops(() => 0.5)
  const OWN = '1.1 with-auth-i'

  it('names the gateway and the version that it received', () => {
    expect(follow(null)).toBe(OWN)
    expect(createHops()(null)).toMatch(/^1\.1 with-auth-[a-z\d]{1,12}$/)
  })

  it('keeps the hops of other gateways of this kind, and nothing else', () => {
    expect(follow('1.1 with-auth-other, 1.0 fred (with-auth-x)')).toBe(
      `1.1 with-auth-other, ${OWN}`,
    )
    expect(follow('1.1 not-with-auth-x, 1.1 with-auth-X, 1.1 with-auth-')).toBe(OWN)
  })

  it('reveals a request that loops, also through many processes', () => {
    expect(follow(OWN)).toBeUndefined()
    expect(follow(`1.1 a, ${OWN}, 1.1 b`)).toBeUndefined()
    expect(follow(`1.1 a, ${OWN} (nginx)`)).toBeUndefined()
    expect(follow('with-auth-i')).toBeUndefined()
    const others = (count: number): string =>
      Array.from({ length: count }, (_, index) => `1.1 with-auth-x${index}`).join(', ')
    expect(follow(others(7))).toBeDefined()
    expect(follow(others(8))).toBeUndefined()
  })

  it('has a different name for each gateway, chosen with its first request', () => {
    let made = 0
    const random = (): number => (made += 0.25)
    const [one, other] = [createHops(random), createHops(random)]
    expect(made).toBe(0)
    expect(one(null)).not.toBe(other(null))
    one(null)
    expect(made).toBe(0.5)
  })
})
