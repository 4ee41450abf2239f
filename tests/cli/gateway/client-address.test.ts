import { describe, expect, it } from 'vitest'
import { createClientAddresses, peerAddressOf } from '../../../src/cli/gateway/client-address.ts'
import { parseNetwork } from '../../../src/verifiers/upstream/address.ts'

const TRUSTED = ['10.0.0.0/8', '2001:db8:ff::/48']
const PEER = '10.0.0.1'

/** A request with the address of its TCP peer, like those of the command's server. */
function requestOf(peer: unknown, headers: HeadersInit = {}): Request {
  return Object.defineProperty(new Request('http://h/', { headers }), 'ip', {
    value: peer,
    configurable: true,
  })
}

/** The client of a request, or that its headers conflict. */
function clientOf(peer: unknown, headers: HeadersInit = {}, trusted = TRUSTED) {
  const { addressOf, isConflicting } = createClientAddresses(
    trusted.map((text) => parseNetwork(text)).filter((one) => one !== undefined),
  )
  const request = requestOf(peer, headers)
  if (!isConflicting(request)) return addressOf(request)
  // The headers disagree, but the peer is certain.
  expect(addressOf(request)).toBe(peer)
  return 'conflicting'
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
      expect(clientOf(PEER, { [name]: '6.6.6.6' })).toBe(PEER)
    },
  )

  it('is unknown on a server that does not tell it', () => {
    const request = new Request('http://h/', { headers: { 'x-forwarded-for': '6.6.6.6' } })
    expect(createClientAddresses([]).addressOf(request)).toBeUndefined()
    expect(peerAddressOf(request)).toBeUndefined()
    expect(peerAddressOf(requestOf(PEER, { 'x-forwarded-for': '6.6.6.6' }))).toBe(PEER)
  })

  it('is looked at once, because the connection may be gone later', () => {
    const request = requestOf('192.0.2.7')
    const { addressOf } = createClientAddresses([])
    expect(addressOf(request)).toBe('192.0.2.7')
    Object.defineProperty(request, 'ip', { value: undefined })
    expect(addressOf(request)).toBe('192.0.2.7')
  })
})

describe('X-Forwarded-For of a trusted proxy', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['192.0.2.7:5678', '192.0.2.7'],
    ['2001:DB8:0::1', '2001:db8::1'],
    ['[2001:db8::1]', '2001:db8::1'],
    ['[2001:db8::1]:80', '2001:db8::1'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['  192.0.2.7\t', '192.0.2.7'],
    // Trusted proxies are skipped from the right.
    ['192.0.2.7, 10.0.0.9', '192.0.2.7'],
    ['192.0.2.7,10.0.0.9:99,2001:db8:ff::1', '192.0.2.7'],
    // With only proxies the first one is the client.
    ['10.0.0.3, 10.0.0.2', '10.0.0.3'],
    // A client's own entries are to the left of the proxy's.
    ['6.6.6.6, 192.0.2.7', '192.0.2.7'],
    ['127.0.0.1, 10.0.0.5, 192.0.2.7, 10.0.0.9', '192.0.2.7'],
    [', , 192.0.2.7', '192.0.2.7'],
    ['", 192.0.2.7', '192.0.2.7'],
    // An unreadable entry stops the search: a client may have written everything to its left.
    ['6.6.6.6, unknown', PEER],
    ['6.6.6.6, ', PEER],
    ['6.6.6.6, 1.2.3.4:', PEER],
    ['6.6.6.6, 1.2.3.4:123456', PEER],
    ['6.6.6.6, 1.2.3.4 evil', PEER],
    ['6.6.6.6, [2001:db8::1', PEER],
    ['6.6.6.6, [192.0.2.7]', PEER],
    ['6.6.6.6, "192.0.2.7"', PEER],
    ['6.6.6.6, unknown, 10.0.0.9', '10.0.0.9'],
    [', 10.0.0.9', '10.0.0.9'],
    ['', PEER],
    // It stops after a hundred proxies.
    [`192.0.2.7${', 10.0.0.9'.repeat(99)}`, '192.0.2.7'],
    [`192.0.2.7${', 10.0.0.9'.repeat(100)}`, '10.0.0.9'],
  ])('%j: the client is %s', (value, client) => {
    expect(clientOf(PEER, { 'x-forwarded-for': value })).toBe(client)
  })

  it('may come in several fields, and from a proxy with any form of address', () => {
    const headers = new Headers({ 'x-forwarded-for': '6.6.6.6, 192.0.2.7' })
    headers.append('X-Forwarded-For', '10.0.0.9')
    for (const peer of [PEER, `::ffff:${PEER}`, '2001:db8:ff::2']) {
      expect(clientOf(peer, headers)).toBe('192.0.2.7')
    }
  })
})

describe('Forwarded of a trusted proxy', () => {
  it.each([
    ['for=192.0.2.7', '192.0.2.7'],
    ['For="192.0.2.7:5678"', '192.0.2.7'],
    ['for=192.0.2.7:5678', '192.0.2.7'],
    ['FOR="[2001:db8:cafe::17]:4711"', '2001:db8:cafe::17'],
    ['for="[2001:db8::1]:_port"', '2001:db8::1'],
    ['for="\\1\\92.0.2.7"', '192.0.2.7'],
    ['proto=https;for=192.0.2.7;by=203.0.113.43', '192.0.2.7'],
    ['by="[::1]"; host="a,b;for=6.6.6.6" ; for=192.0.2.7', '192.0.2.7'],
    ['for=192.0.2.7;host="a\\",for=6.6.6.6;x=\\"b"', '192.0.2.7'],
    ['for=192.0.2.7, for=10.0.0.9', '192.0.2.7'],
    ['for=192.0.2.7,for="10.0.0.9:99";proto=http,for="[2001:db8:ff::1]"', '192.0.2.7'],
    // A client's own elements are to the left of the proxy's.
    ['for=6.6.6.6, for=192.0.2.7', '192.0.2.7'],
    // A client's open quotation mark does not swallow the proxy's entry.
    ['for="6.6.6.6, for=192.0.2.7', '192.0.2.7'],
    ['for="6.6.6.6, for="[2001:db8::1]"', '2001:db8::1'],
    ['for="\\", for="[2001:db8::1]"', '2001:db8::1'],
    ['for="\\, for="[2001:db8::1]"', '2001:db8::1'],
    ['for=6.6.6.6;host="x, for=192.0.2.7;host="a"', '192.0.2.7'],
    ['for=6.6.6.6, for=unknown', PEER],
    ['for=6.6.6.6, proto=https', PEER],
    ['for=6.6.6.6, ', PEER],
    ['for=6.6.6.6, for=', PEER],
    ['for=6.6.6.6, for', PEER],
    ['for=6.6.6.6, for=6.6.6.6;for=192.0.2.7', PEER],
    ['for=6.6.6.6, for="192.0.2.7', PEER],
    ['for=6.6.6.6, for=192.0.2.7"', PEER],
    ['for=6.6.6.6, for="192.0.2.7"x', PEER],
    ['for=6.6.6.6, for=192.0.2.7;', PEER],
    ['for=6.6.6.6, for =192.0.2.7', PEER],
    ['for=6.6.6.6, 192.0.2.7', PEER],
    ['for=6.6.6.6, xfor=192.0.2.7', PEER],
    ['for=6.6.6.6, for=unknown, for=10.0.0.9', '10.0.0.9'],
    [',for=10.0.0.9', '10.0.0.9'],
    ['for=6.6.6.6,\t for=192.0.2.7 ', '192.0.2.7'],
    ['"', PEER],
    [`for=192.0.2.7${', for=10.0.0.9'.repeat(99)}`, '192.0.2.7'],
    [`for=192.0.2.7${', for=10.0.0.9'.repeat(100)}`, '10.0.0.9'],
  ])('%j: the client is %s', (value, client) => {
    expect(clientOf(PEER, { forwarded: value })).toBe(client)
  })
})

describe('both headers', () => {
  it.each([
    // They may name one client in two spellings.
    ['192.0.2.7', 'for=192.0.2.7', '192.0.2.7'],
    ['6.6.6.6, 192.0.2.7:80', 'for=7.7.7.7, for="192.0.2.7:81"', '192.0.2.7'],
    ['192.0.2.7', 'for="[::ffff:192.0.2.7]"', '192.0.2.7'],
    // A proxy writes one of the two headers and passes on the client's value of the other: two clients are an attack.
    ['192.0.2.7', 'for=6.6.6.6', 'conflicting'],
    ['192.0.2.7', 'for=10.0.0.1', 'conflicting'],
    ['192.0.2.7', 'for=unknown', 'conflicting'],
    ['192.0.2.7', 'garbage', 'conflicting'],
    ['unknown', 'for=192.0.2.7', 'conflicting'],
    // The last proxy names no client in Forwarded.
    ['192.0.2.7', 'proto=https', '192.0.2.7'],
    ['6.6.6.6, 192.0.2.7', 'by=203.0.113.43;host=a.example', '192.0.2.7'],
    ['192.0.2.7', 'for=6.6.6.6, proto=https', '192.0.2.7'],
    // The last element is malformed.
    ['192.0.2.7', 'for=', 'conflicting'],
    ['192.0.2.7', 'proto=https;for=unknown', 'conflicting'],
    ['192.0.2.7', 'for=1.1.1.1;for=2.2.2.2', 'conflicting'],
    ['192.0.2.7', 'proto=https, ', 'conflicting'],
    // An empty one does not count.
    ['192.0.2.7', '', '192.0.2.7'],
    ['', 'for=192.0.2.7', '192.0.2.7'],
  ])('%j and %j: the client is %s', (forwardedFor, forwarded, client) => {
    expect(clientOf(PEER, { 'x-forwarded-for': forwardedFor, forwarded })).toBe(client)
  })
})
