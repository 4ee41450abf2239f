import { describe, expect, it } from 'vitest'
import { includes, parseAddress, parseNetwork } from '../../../src/verifiers/upstream/address.ts'
import { words } from '../../support/words.ts'

function textOf(address: string): string | undefined {
  return parseAddress(address)?.text
}

function isIn(address: string, network: string): boolean {
  const [parsedAddress, parsedNetwork] = [parseAddress(address), parseNetwork(network)]
  if (parsedAddress === undefined || parsedNetwork === undefined) throw new Error('Cannot parse')
  return includes(parsedNetwork, parsedAddress)
}

describe('an address', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['255.255.255.255', '255.255.255.255'],
    ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['2001:0db8::0001', '2001:db8::1'],
    ['1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7:8'],
    ['fe80::1%eth0', 'fe80::1'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['::FFFF:c000:0207', '192.0.2.7'],
    ['::ffff:255.255.255.255%lo', '255.255.255.255'],
    // Only the mapped form is IPv4.
    ['::192.0.2.7', '::c000:207'],
    ['64:ff9b::192.0.2.7', '64:ff9b::c000:207'],
  ])('%s has the canonical spelling %s', (address, text) => {
    expect(textOf(address)).toBe(text)
  })

  it.each([
    ...words(`
    unknown 1.2.3 1.2.3.256 01.2.3.4 16909060 1.2.3.4:80 [::1] 1::2::3 1:2:3:4:5:6:7
    ::1.2.3.400 ::1]/[
  `),
    '',
    '1.2.3.4 ',
    '::1%a b',
    `::${'0'.repeat(100)}`,
    '1.2.3.4\n',
  ])('rejects %j', (address) => {
    expect(parseAddress(address)).toBeUndefined()
  })
})

describe('a network', () => {
  it.each([
    ['10.255.255.255', '10.0.0.0/8', true],
    ['11.0.0.0', '10.0.0.0/8', false],
    ['10.9.8.7', '10.1.2.3/8', true],
    ['192.0.2.7', '192.0.2.7', true],
    ['192.0.2.7', '192.0.2.7/32', true],
    ['192.0.2.7', '192.0.2.6/31', true],
    ['200.0.0.1', '128.0.0.0/1', true],
    ['2001:db8::ffff', '2001:db8::/32', true],
    ['2001:db9::', '2001:db8::/32', false],
    ['2001:db8:1:2::3', '2001:db8::/32', true],
    ['fe80::1%eth0', 'fe80::%eth1/10', true],
    ['10.1.1.1', '::ffff:10.0.0.0/104', true],
    ['::ffff:10.1.1.1', '10.0.0.0/8', true],
    ['10.1.1.1', '::ffff:10.1.1.1', true],
    // An IPv6 network holds no IPv4 address, and an IPv4 network no IPv6 address.
    ['192.0.2.7', '::/8', false],
    ['::c000:207', '192.0.2.0/24', false],
  ])('%s contains %s: %s', (address, network, expected) => {
    expect(isIn(address, network)).toBe(expected)
  })

  it.each([
    ...words(`
    10.0.0.0/ 10.0.0.0/33 10.0.0.0/08 010.0.0.0/8 10.0.0.0/255.0.0.0 ::/129
    2001:db8::/032 ::ffff:10.0.0.0/95
  `),
    '',
    '10.0.0.0/8 ',
  ])('rejects %j', (network) => {
    expect(parseNetwork(network)).toBeUndefined()
  })

  it.each(['0.0.0.0/0', '10.0.0.0/0', '::/0', '2001:db8::/0', '::ffff:0:0/96'])(
    '%s has the length 0',
    (network) => {
      expect(parseNetwork(network)).toMatchObject({ length: 0 })
    },
  )
})
