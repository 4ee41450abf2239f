import { describe, expect, it } from 'vitest'
import { Clients, DENIAL, lastOf, nextOf } from '../../../../src/core/asking/slots/turns.ts'
import { createAuthenticator, memoryCache } from '../../../../src/index.ts'
import { defineVerifier, firstOf } from '../../../../src/verifiers.ts'
import { get } from '../../../support/requests.ts'
import type { ContextConfig, Verifier } from '../../../../src/index.ts'

const clock = { time: 0 }

describe('clients are told apart', () => {
  it.each([
    ['192.0.2.1', '192.0.2.2', false],
    ['192.0.2.1', '192.0.2.1', true],
    ['::ffff:192.0.2.1', '::ffff:192.0.2.2', false],
    ['2001:db8:0:1::1', '2001:db8:0:1:ffff:ffff:ffff:ffff', true],
    ['2001:db8:0:1::1', '2001:DB8::1:0:0:0:2', true],
    ['2001:db8:0:1::1', '2001:db8:0:2::1', false],
    ['1:2:3:4:5:6:7:8', '1:2:3:4::', true],
    ['1:2:3:45::', '1:2:34:5::', false],
    ['fe80::1%eth0', 'fe80::2%eth1', true],
    ['fe80::1%eth0', 'fd00::1', false],
    ['fe80::1%eth0', 'unknown', false],
    ['::1', '::', true],
  ])('by IPv4 address or IPv6 /64: %s and %s', (one, other, isSame) => {
    const clients = new Clients()
    expect(clients.at(one, clock.time) === clients.at(other, clock.time)).toBe(isSame)
  })

  it.each([
    '',
    'unknown',
    '192.0.2.1:443',
    '[::1]:443',
    '_hidden',
    ':',
    '1]@x/[',
    'x'.repeat(10_000),
  ])('only by an address, so that no port gets a turn of its own: %j', (text) => {
    const clients = new Clients()
    expect(clients.at(text, clock.time)).toBe(clients.at(undefined, clock.time))
  })
})

describe('a client', () => {
  it('owes for each check that waits and more for each denial, half after 30 seconds, nothing after a minute', () => {
    const clients = new Clients()
    for (let turn = 0; turn < 3; turn += 1) clients.at('192.0.2.1', clock.time)
    clients.at('192.0.2.1', clock.time).debt += DENIAL
    expect(clients.at('192.0.2.1', clock.time).debt).toBe(21)
    clock.time += 30_000
    expect(clients.at('192.0.2.1', clock.time).debt).toBe(11.5)
    clock.time += 30_000
    clients.at('192.0.2.2', clock.time)
    clock.time += 30_000
    expect(clients.at('192.0.2.1', clock.time).debt).toBe(1)
    clock.time += 60_000
    expect(clients.at('192.0.2.1', clock.time).debt).toBe(1)
  })

  it('is one of 16,384 at most', () => {
    const clients = new Clients()
    clients.at('192.0.2.1', clock.time)
    for (let index = 0; index < 16_384; index += 1)
      clients.at(`10.0.${index >> 8}.${index & 255}`, clock.time)
    expect(clients.at('192.0.2.1', clock.time).debt).toBe(1)
    expect(clients.at('10.0.63.255', clock.time).debt).toBe(2)
  })

  it('is next if it owes least, and gives up its place if it owes most', () => {
    const waiting = [3, 1, 4, 1, 4].map((debt, index) => ({ index, client: { debt } }))
    expect(nextOf(waiting, false)?.index).toBe(1)
    expect(nextOf(waiting, true)?.index).toBe(3)
    expect(lastOf(waiting)?.index).toBe(2)
    expect([nextOf([], true), lastOf([])]).toEqual([undefined, undefined])
  })
})

describe('the address of a client', () => {
  /** A guard with one call at a time, which never ends by itself. Returns what happened to each token. */
  function busy(
    clientAddress: Required<ContextConfig>['clientAddress'],
    wrap = (one: Verifier) => one,
  ) {
    const asked: string[] = []
    const ends: (() => void)[] = []
    const concurrency = { maxInFlight: 1, maxWaiting: 3 }
    const verifier = defineVerifier({
      ask: ({ token }) =>
        new Promise((resolve) => {
          asked.push(token)
          ends.push(() => resolve({ outcome: token.startsWith('known') ? 'allow' : 'deny' }))
        }),
      reads: { path: true },
    })
    const authenticate = createAuthenticator({
      verifier: wrap(verifier),
      concurrency,
      cache: memoryCache(),
      context: { clientAddress },
    })
    const ask = async (token: string, address: string, path = '/'): Promise<string> => {
      const result = await authenticate(get(path, token, { 'x-address': address }))
      return result.ok ? 'allow' : result.reason
    }
    const end = async (): Promise<void> => {
      ends.shift()?.()
      await new Promise((resolve) => setTimeout(resolve, 0))
    }
    return { ask, asked, end }
  }

  const all = (verifier: Verifier): Verifier =>
    firstOf([verifier], { concurrency: { maxInFlight: 1, maxWaiting: 3 } })

  it('is read only for an unknown token that has to wait', async () => {
    const read: string[] = []
    const { ask, end } = busy((request) => {
      read.push(String(request.headers.get('x-address')))
      return undefined
    })
    const first = ask('known', '192.0.2.1')
    const second = ask('waits', '192.0.2.2')
    const third = ask('waits', '192.0.2.3')
    await end()
    await end()
    expect([await first, await second, await third]).toEqual(['allow', 'denied', 'denied'])
    const again = [ask('known', '192.0.2.4'), ask('waits', '192.0.2.5')]
    expect(await Promise.all(again)).toEqual(['allow', 'denied'])
    const known = [ask('known', '192.0.2.6', '/a'), ask('known', '192.0.2.7', '/b')]
    await end()
    await end()
    expect(await Promise.all(known)).toEqual(['allow', 'allow'])
    expect(read).toEqual(['192.0.2.2'])
  })

  it('that was denied while it waited goes last, and loses its place first', async () => {
    const { ask, asked, end } = busy((request) => request.headers.get('x-address') ?? undefined)
    const flood = [ask('a1', '192.0.2.1'), ask('a2', '192.0.2.1')]
    await end()
    await end()
    expect(await Promise.all(flood)).toEqual(['denied', 'denied'])
    const others = ['b1', 'b2', 'b3'].map((token) => ask(token, '192.0.2.2'))
    const late = ask('a3', '192.0.2.1')
    const newcomer = ask('c1', '192.0.2.3')
    expect(await late).toBe('overloaded')
    const again = ask('a4', '192.0.2.1')
    expect(await Promise.race([again, newcomer, ...others])).toBe('overloaded')
    for (let turn = 0; turn < 4; turn += 1) await end()
    expect(await Promise.all([newcomer, ...others])).toEqual(Array(4).fill('denied'))
    expect(asked.slice(2)).toEqual(['b1', 'c1', 'b3', 'b2'])
  })

  it('that was allowed while it waited owes no more for it', async () => {
    const { ask, asked, end } = busy((request) => request.headers.get('x-address') ?? undefined)
    const first = [ask('a', '192.0.2.1'), ask('known', '192.0.2.2')]
    await end()
    await end()
    expect(await Promise.all(first)).toEqual(['denied', 'allow'])
    const others = ['c1', 'c2', 'c3'].map((token) => ask(token, '192.0.2.3'))
    const again = ask('b', '192.0.2.2')
    for (let turn = 0; turn < 4; turn += 1) await end()
    await Promise.all([...others, again])
    expect(asked.slice(2)).toEqual(['c1', 'b', 'c3', 'c2'])
  })

  it.each([
    ['guard', undefined],
    ['member of `firstOf`', all],
  ])('decides whose turn it is before a %s', async (_where, wrap) => {
    const { ask, asked, end } = busy(
      (request) => request.headers.get('x-address') ?? undefined,
      wrap,
    )
    const tokens = ['a1', 'a2', 'a3', 'a4']
    const flood = tokens.map((token) => ask(token, '192.0.2.1'))
    const newcomer = ask('new', '192.0.2.2')
    // Of the flood, and not of the newcomer.
    expect(await flood[1]).toBe('overloaded')
    await end()
    expect(asked).toEqual(['a1', 'new'])
    await end()
    expect(await newcomer).toBe('denied')
    await end()
    await end()
    await Promise.all(flood)
  })

  it.each([
    [
      'throws',
      () => {
        throw new Error('no socket')
      },
    ],
    ['returns no text', () => 7 as never],
    ['returns a promise', () => Promise.reject(new Error('late')) as never],
  ])('rejects those that wait, and no other, if its function %s', async (_what, clientAddress) => {
    const { ask, end } = busy(clientAddress)
    const first = ask('known', '192.0.2.1')
    expect(await ask('waits', '192.0.2.2')).toBe('internal_error')
    await end()
    expect(await first).toBe('allow')
    const other = ask('other', '192.0.2.2')
    await end()
    expect(await other).toBe('denied')
  })
})
