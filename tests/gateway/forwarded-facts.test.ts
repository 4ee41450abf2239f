import { describe, expect, it } from 'vitest'
import { createFacts } from '../../src/gateway/request-headers.ts'
import { get, raw } from '../support/requests.ts'
import type { ClientAddress } from '../../src/gateway.ts'

const factsOf = createFacts({ publicOrigin: undefined, clientAddress: undefined })

function addressBy(clientAddress: ClientAddress): string | undefined {
  const facts = createFacts({ publicOrigin: undefined, clientAddress })
  return new Map(facts(get('/'), [{ ip: '192.0.2.1' }])).get('x-forwarded-for')
}

describe('A-I5 what the upstream is told of the client', () => {
  it('is scheme and host of the URL, and no address', () => {
    expect(factsOf(raw('http://api.test:3000/x'), [])).toEqual([
      ['x-forwarded-proto', 'http'],
      ['x-forwarded-host', 'api.test:3000'],
    ])
  })

  it('is what the config says, whatever the URL says', () => {
    const publicOrigin = new URL('https://api.example.com')
    const facts = createFacts({ publicOrigin, clientAddress: undefined })
    expect(facts(raw('http://evil.test/'), [])).toEqual([
      ['x-forwarded-proto', 'https'],
      ['x-forwarded-host', 'api.example.com'],
    ])
  })

  it.each([
    'http://h"x/',
    'http://h é/',
    'http://h,evil@x/',
    'http://<h>/',
    'http://h:p/',
    'http://h%x/',
    'http://_invalid_/',
    '/x',
  ])('A-P13 is nothing for the host of %s', (url) => {
    expect(factsOf(raw(url), [])).toBeUndefined()
  })

  it.each([
    'a/b',
    'u@a',
    'a?b',
    'a#b',
    'a b',
    'a.test, b.test',
    'a.test, a.test',
    'a:b',
    '[::1',
    '%g0',
  ])('A-P13 is nothing for the Host %s, also where the config says the origin', (host) => {
    expect(factsOf(raw('http://api.test/x', { host }), [])).toBeUndefined()
    const facts = createFacts({
      publicOrigin: new URL('https://api.example.com'),
      clientAddress: undefined,
    })
    expect(facts(raw('http://api.test/x', { host }), [])).toBeUndefined()
  })

  it.each([
    'api.test',
    'API_1.test.:80',
    '[::1]:80',
    '[fe80::1%25eth0]',
    "a!$&'()*+,;=~",
    '%c3%A9',
    '',
  ])('is there for the Host %s', (host) => {
    expect(factsOf(raw('http://api.test/x', { host }), [])).toBeDefined()
  })

  it('has the address that the config finds in the arguments', () => {
    expect(addressBy((_request, from) => (from as { ip: string }).ip)).toBe('192.0.2.1')
    expect(addressBy(() => '2001:db8::1')).toBe('2001:db8::1')
  })

  it.each([
    undefined,
    '',
    'a, b',
    '1.2.3.4\r\nX: y',
    'x'.repeat(65),
    5,
    Promise.resolve('1.2.3.4'),
  ])('has no address where the config finds %s', (found) => {
    expect(addressBy(() => found as string)).toBeUndefined()
  })

  it('has no address where the config throws', () => {
    expect(
      addressBy(() => {
        throw new Error('no address')
      }),
    ).toBeUndefined()
  })
})
