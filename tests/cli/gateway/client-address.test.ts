import { describe, expect, it } from 'vitest'
import { createClientAddresses } from '../../../src/cli/gateway/client-address.ts'
import { parseNetwork } from '../../../src/verifiers/upstream/address.ts'

const CONFLICTING = Symbol('conflicting')
const TRUSTED = ['10.0.0.0/8', '2001:db8:ff::/48']

/** A request with the address of its TCP peer, like those of the command's server. */
function requestOf(peer: unknown, headers: HeadersInit = {}): Request {
  return Object.defineProperty(new Request('http://h/', { headers }), 'ip', {
    value: peer,
    configurable: true,
  })
}

function clientsOf(trusted: readonly string[]) {
  return createClientAddresses(
    trusted.map((text) => parseNetwork(text)).filter((one) => one !== undefined),
  )
}

function clientOf(peer: unknown, headers: HeadersInit = {}, trusted = TRUSTED) {
  const { addressOf, isConflicting } = clientsOf(trusted)
  const request = requestOf(peer, headers)
  return isConflicting(request) ? CONFLICTING : addressOf(request)
}

function byForwardedFor(value: string, peer = '10.0.0.1') {
  return clientOf(peer, { 'x-forwarded-for': value })
}

function byForwarded(value: string, peer = '10.0.0.1') {
  return clientOf(peer, { forwarded: value })
}

describe('the TCP peer', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['2001:DB8::1', '2001:db8::1'],
    ['fe80::1%eth0', 'fe80::1'],
    [undefined, undefined],
    ['', undefined],
    ['a socket', undefined],
    [3_221_225_991, undefined],
  ])('%j is the client %s without a trusted proxy', (peer, client) => {
    expect(clientOf(peer, {}, [])).toBe(client)
  })

  it.each(['192.0.2.7', '127.0.0.1', '11.0.0.1', '2001:db8::1', '::ffff:192.0.2.7'])(
    'ignores the headers of %s, which is not trusted',
    (peer) => {
      const headers = { 'x-forwarded-for': '6.6.6.6', forwarded: 'for=7.7.7.7' }
      expect(clientOf(peer, headers)).toBe(peer.replace('::ffff:', ''))
      expect(clientOf(peer, headers, [])).toBe(peer.replace('::ffff:', ''))
    },
  )

  it.each(['x_forwarded_for', 'x-forwarded', 'x-real-ip', 'cf-connecting-ip', 'client-ip'])(
    'is the client if a trusted proxy sends no usable header: %s',
    (name) => {
      expect(clientOf('10.0.0.1', { [name]: '6.6.6.6' })).toBe('10.0.0.1')
    },
  )
})

describe('X-Forwarded-For of a trusted proxy', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['192.0.2.7:5678', '192.0.2.7'],
    ['2001:db8::1', '2001:db8::1'],
    ['2001:DB8:0::1', '2001:db8::1'],
    ['[2001:db8::1]', '2001:db8::1'],
    ['[2001:db8::1]:80', '2001:db8::1'],
    ['fe80::1%eth0', 'fe80::1'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['[::ffff:192.0.2.7]:80', '192.0.2.7'],
    ['  192.0.2.7\t', '192.0.2.7'],
    // Trusted proxies are skipped from the right.
    ['192.0.2.7, 10.0.0.9', '192.0.2.7'],
    ['192.0.2.7,10.0.0.9:99,2001:db8:ff::1', '192.0.2.7'],
    ['192.0.2.7, ::ffff:10.0.0.9', '192.0.2.7'],
    // With only proxies the first one is the client.
    ['10.0.0.3, 10.0.0.2', '10.0.0.3'],
  ])('%s: the client is %s', (value, client) => {
    expect(byForwardedFor(value)).toBe(client)
    expect(byForwardedFor(value, '::ffff:10.0.0.1')).toBe(client)
    expect(byForwardedFor(value, '2001:db8:ff::2')).toBe(client)
  })

  it.each([
    // A client's own entries are to the left of the proxy's.
    ['6.6.6.6, 192.0.2.7', '192.0.2.7'],
    ['10.0.0.5, 192.0.2.7', '192.0.2.7'],
    ['127.0.0.1, 10.0.0.5, 192.0.2.7, 10.0.0.9', '192.0.2.7'],
    [', , 192.0.2.7', '192.0.2.7'],
    ['", 192.0.2.7', '192.0.2.7'],
    ['6.6.6.6 192.0.2.7, 192.0.2.8', '192.0.2.8'],
    // An unreadable entry stops the search: a client may have written everything to its left.
    ['6.6.6.6, unknown', '10.0.0.1'],
    ['6.6.6.6, _hidden', '10.0.0.1'],
    ['6.6.6.6, ', '10.0.0.1'],
    ['6.6.6.6, 1.2.3.999', '10.0.0.1'],
    ['6.6.6.6, 01.2.3.4', '10.0.0.1'],
    ['6.6.6.6, 1.2.3.4:', '10.0.0.1'],
    ['6.6.6.6, 1.2.3.4:123456', '10.0.0.1'],
    ['6.6.6.6, 1.2.3.4 evil', '10.0.0.1'],
    ['6.6.6.6, [2001:db8::1', '10.0.0.1'],
    ['6.6.6.6, [192.0.2.7]', '10.0.0.1'],
    ['6.6.6.6, "192.0.2.7"', '10.0.0.1'],
    ['6.6.6.6, for=192.0.2.7', '10.0.0.1'],
    ['6.6.6.6, unknown, 10.0.0.9', '10.0.0.9'],
    ['', '10.0.0.1'],
  ])('a client cannot spoof its address: %j is %s', (value, client) => {
    expect(byForwardedFor(value)).toBe(client)
  })

  it('may come in several fields', () => {
    const headers = new Headers({ 'x-forwarded-for': '6.6.6.6, 192.0.2.7' })
    headers.append('X-Forwarded-For', '10.0.0.9')
    expect(clientOf('10.0.0.1', headers)).toBe('192.0.2.7')
  })

  it('stops after a hundred proxies', () => {
    const proxies = (count: number): string => ', 10.0.0.9'.repeat(count)
    expect(byForwardedFor(`192.0.2.7${proxies(99)}`)).toBe('192.0.2.7')
    expect(byForwardedFor(`192.0.2.7${proxies(100)}`)).toBe('10.0.0.9')
  })
})

describe('Forwarded of a trusted proxy', () => {
  it.each([
    ['for=192.0.2.7', '192.0.2.7'],
    ['For="192.0.2.7:5678"', '192.0.2.7'],
    ['for=192.0.2.7:5678', '192.0.2.7'],
    ['FOR="[2001:db8:cafe::17]:4711"', '2001:db8:cafe::17'],
    ['for="[2001:db8::1]:_port"', '2001:db8::1'],
    ['for="[fe80::1%eth0]"', 'fe80::1'],
    ['for="[::ffff:192.0.2.7]"', '192.0.2.7'],
    ['for="\\1\\92.0.2.7"', '192.0.2.7'],
    ['proto=https;for=192.0.2.7;by=203.0.113.43', '192.0.2.7'],
    ['by="[::1]"; host="a,b;for=6.6.6.6" ; for=192.0.2.7', '192.0.2.7'],
    ['for=192.0.2.7;host="a\\",for=6.6.6.6;x=\\"b"', '192.0.2.7'],
    ['for=192.0.2.7, for=10.0.0.9', '192.0.2.7'],
    ['for=192.0.2.7,for="10.0.0.9:99";proto=http,for="[2001:db8:ff::1]"', '192.0.2.7'],
  ])('%s: the client is %s', (value, client) => {
    expect(byForwarded(value)).toBe(client)
  })

  it.each([
    ['for=6.6.6.6, for=192.0.2.7', '192.0.2.7'],
    // A client's open quotation mark does not swallow the proxy's entry.
    ['for="6.6.6.6, for=192.0.2.7', '192.0.2.7'],
    ['for="6.6.6.6, for="[2001:db8::1]"', '2001:db8::1'],
    ['for="\\", for="[2001:db8::1]"', '2001:db8::1'],
    ['for="\\, for="[2001:db8::1]"', '2001:db8::1'],
    ['for=6.6.6.6;host="x, for=192.0.2.7;host="a"', '192.0.2.7'],
    ['for=6.6.6.6, for=unknown', '10.0.0.1'],
    ['for=6.6.6.6, for=_hidden', '10.0.0.1'],
    ['for=6.6.6.6, for="_gazonk"', '10.0.0.1'],
    ['for=6.6.6.6, proto=https', '10.0.0.1'],
    ['for=6.6.6.6, ', '10.0.0.1'],
    ['for=6.6.6.6, for=', '10.0.0.1'],
    ['for=6.6.6.6, for', '10.0.0.1'],
    ['for=6.6.6.6, for=6.6.6.6;for=192.0.2.7', '10.0.0.1'],
    ['for=6.6.6.6, for="192.0.2.7', '10.0.0.1'],
    ['for=6.6.6.6, for=192.0.2.7"', '10.0.0.1'],
    ['for=6.6.6.6, for="192.0.2.7"x', '10.0.0.1'],
    ['for=6.6.6.6, for=192.0.2.7;', '10.0.0.1'],
    ['for=6.6.6.6, for =192.0.2.7', '10.0.0.1'],
    ['for=6.6.6.6, 192.0.2.7', '10.0.0.1'],
    ['for=6.6.6.6, xfor=192.0.2.7', '10.0.0.1'],
    ['for=6.6.6.6, for=unknown, for=10.0.0.9', '10.0.0.9'],
    ['"', '10.0.0.1'],
    ['\\"', '10.0.0.1'],
  ])('a client cannot spoof its address: %j is %s', (value, client) => {
    expect(byForwarded(value)).toBe(client)
  })

  it('stops after a hundred proxies', () => {
    const proxies = (count: number): string => ', for=10.0.0.9'.repeat(count)
    expect(byForwarded(`for=192.0.2.7${proxies(99)}`)).toBe('192.0.2.7')
    expect(byForwarded(`for=192.0.2.7${proxies(100)}`)).toBe('10.0.0.9')
  })
})

describe('both headers', () => {
  const both = (forwardedFor: string, forwarded: string) =>
    clientOf('10.0.0.1', { 'x-forwarded-for': forwardedFor, forwarded })

  it.each([
    ['192.0.2.7', 'for=192.0.2.7'],
    ['6.6.6.6, 192.0.2.7:80', 'for=7.7.7.7, for="192.0.2.7:81"'],
    ['192.0.2.7', 'for="[::ffff:192.0.2.7]"'],
  ])('may name one client in two spellings: %s and %s', (forwardedFor, forwarded) => {
    expect(both(forwardedFor, forwarded)).toBe('192.0.2.7')
  })

  // A proxy writes one of the two headers and passes on the client's value of the other.
  it.each([
    ['192.0.2.7', 'for=6.6.6.6'],
    ['6.6.6.6', 'for=192.0.2.7'],
    ['192.0.2.7', 'for=10.0.0.1'],
    ['192.0.2.7', 'for=unknown'],
    ['192.0.2.7', 'garbage'],
    ['unknown', 'for=192.0.2.7'],
    ['10.0.0.3', 'for=192.0.2.7'],
  ])('conflict if they name two clients, which is an attack: %s and %s', (...values) => {
    expect(both(...values)).toBe(CONFLICTING)
  })

  // The last proxy names no client in Forwarded.
  it.each([
    ['192.0.2.7', 'proto=https'],
    ['6.6.6.6, 192.0.2.7', 'by=203.0.113.43;host=a.example'],
    ['192.0.2.7', 'for=6.6.6.6, proto=https'],
  ])('do not conflict if the last element of Forwarded has no "for": %s and %s', (...values) => {
    expect(both(...values)).toBe('192.0.2.7')
  })

  it.each([
    'for=',
    'for',
    'proto=https;for=unknown',
    'for=1.1.1.1;for=2.2.2.2',
    'proto=https, ',
    'a',
  ])('conflict if the last element of Forwarded is malformed: %s', (forwarded) => {
    expect(both('192.0.2.7', forwarded)).toBe(CONFLICTING)
  })

  it('leave the TCP peer as the address if they conflict', () => {
    const headers = { 'x-forwarded-for': '192.0.2.7', forwarded: 'for=6.6.6.6' }
    const { addressOf, isConflicting } = clientsOf(TRUSTED)
    const request = requestOf('10.0.0.1', headers)
    expect(isConflicting(request)).toBe(true)
    expect(addressOf(request)).toBe('10.0.0.1')
  })

  it.each([
    ['192.0.2.7', ''],
    ['', 'for=192.0.2.7'],
  ])('count only if they are not empty: %j and %j', (...values) => {
    expect(both(...values)).toBe('192.0.2.7')
  })

  it('are ignored for an untrusted peer', () => {
    const headers = { 'x-forwarded-for': '6.6.6.6', forwarded: 'for=7.7.7.7' }
    expect(clientOf('192.0.2.7', headers)).toBe('192.0.2.7')
  })
})

describe('the address of a request', () => {
  it('is found once, because the connection may be gone later', () => {
    const request = requestOf('192.0.2.7')
    const { addressOf } = createClientAddresses([])
    expect(addressOf(request)).toBe('192.0.2.7')
    Object.defineProperty(request, 'ip', { value: undefined })
    expect(addressOf(request)).toBe('192.0.2.7')
  })
})
