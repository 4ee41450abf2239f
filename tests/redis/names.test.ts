import { expect, it } from 'vitest'
import { createNames, parseMessage, slotName } from '../../src/redis/names.ts'

/** The names of keys and channels. An access list of the engine allows them, and other programs may send messages too. */

const INSTANCE = 'i1'

it.each([0, 1])('all names begin with the prefix, in database %i', (database) => {
  const names = createNames('mine:', database)
  const own = names.own(INSTANCE)
  const all = [names.bus, names.fence('all').key, own.key, own.channel, names.value('v1')]
  expect(all.filter((name) => !name.startsWith('mine:'))).toEqual([])
  expect(new Set(all).size).toBe(all.length)
})

it('instances of one prefix have names of their own', () => {
  const { own } = createNames('mine:', 0)
  expect(own('i1').key).not.toBe(own('i2').key)
  expect(own('i1').channel).not.toBe(own('i2').channel)
})

it('databases have channels of their own', () => {
  const channels = [0, 1, 2].map((database) => createNames('mine:', database).bus)
  expect(new Set(channels).size).toBe(3)
})

it.each([
  ['a', { type: 'all_revoked' }],
  ['s00ff', { type: 'revoked', slot: 255 }],
  ['b12', { type: 'beat', count: 12 }],
])('the message %s is read', (text, message) => {
  expect(parseMessage(text)).toEqual(message)
})

it.each([
  '',
  'aa',
  's00f',
  's00fff',
  's00fg',
  's00ff\n',
  'xs00ff',
  'b',
  'b1x',
  'xb1',
  `b${'1'.repeat(16)}`,
])('a message of another program is ignored: %j', (text) => {
  expect(parseMessage(text)).toBeUndefined()
})

it('a slot has four digits, as the message about it has', () => {
  expect([slotName(5), slotName(0xabcd)]).toEqual(['0005', 'abcd'])
})
