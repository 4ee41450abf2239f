import { createHash } from 'node:crypto'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { generateId, generateKey, visiblePrefix } from '../../src/keys/secret.ts'
import type * as Secret from '../../src/keys/secret.ts'

const KEYS = Array.from({ length: 500 }, generateKey)

it('a key has a prefix, 43 random digits and a checksum of 6 digits', () => {
  expect(KEYS.filter((key) => !/^withauth_[0-9A-Za-z]{49}$/.test(key))).toEqual([])
  expect(visiblePrefix('withauth_ABCDEFGHIJ')).toBe('withauth_ABCDEF')
})

it('keys differ, and use every digit in every place', () => {
  expect(new Set(KEYS).size).toBe(KEYS.length)
  const places = Array.from(
    { length: 42 },
    (_, place) => new Set(KEYS.map((key) => key[place + 10])),
  )
  // 500 draws leave out hardly any of 62 digits.
  expect(Math.min(...places.map(({ size }) => size))).toBeGreaterThan(50)
})

it('a key ends with the CRC-32 of its random digits', () => {
  expect(KEYS.filter((key) => !hasChecksum(key))).toEqual([])
  const [key = ''] = KEYS
  expect(hasChecksum(key.replace(/.$/, (last) => (last === '0' ? '1' : '0')))).toBe(false)
})

it('ids are short, have no capitals and differ', () => {
  const ids = Array.from({ length: 500 }, generateId)
  expect(new Set(ids).size).toBe(ids.length)
  expect(ids.filter((id) => !/^key_[a-z2-7]{12}$/.test(id))).toEqual([])
})

describe.each([true, false])('with node:crypto: %s', (hasModule) => {
  it.each(['', 'abc', 'k'.repeat(1000), '€', '\ud800'])(
    'the hash of %j is its SHA-256 in hex',
    async (key) => {
      const load = vi.spyOn(process, 'getBuiltinModule')
      if (!hasModule) load.mockReturnValue(undefined)
      onTestFinished(() => load.mockRestore())
      vi.resetModules()
      const fresh = await import('../../src/keys/secret.ts')
      expect(await fresh.hashKey(key)).toBe(createHash('sha256').update(key).digest('hex'))
    },
  )
})

it('a key is hashed by Web Crypto only where `node:crypto` is missing', async () => {
  const digest = vi.spyOn(crypto.subtle, 'digest')
  // How to hash is looked up once.
  const load = async (): Promise<typeof Secret> => {
    vi.resetModules()
    return import('../../src/keys/secret.ts')
  }
  const hash = await (await load()).hashKey('abc')
  expect(digest).not.toHaveBeenCalled()
  const fresh = await load()
  vi.stubGlobal('process', undefined)
  onTestFinished(() => void vi.unstubAllGlobals())
  const hashing = fresh.hashKey('abc')
  vi.unstubAllGlobals()
  expect(await hashing).toBe(hash)
  expect(digest).toHaveBeenCalledOnce()
})

/** Checks a key as a scanner for leaked secrets does, with the usual table. */
function hasChecksum(key: string): boolean {
  const [, secret = '', checksum = ''] = /^withauth_(.{43})(.{6})$/.exec(key) ?? []
  const table = Array.from({ length: 256 }, (_, index) => {
    let entry = index
    for (let bit = 0; bit < 8; bit += 1)
      entry = entry & 1 ? (entry >>> 1) ^ 0xedb88320 : entry >>> 1
    return entry
  })
  let crc = -1
  for (const byte of Buffer.from(secret)) crc = (crc >>> 8) ^ (table[(crc ^ byte) & 255] ?? 0)
  const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
  const value = Array.from(checksum).reduce((sum, digit) => sum * 62 + digits.indexOf(digit), 0)
  return value === (crc ^ -1) >>> 0
}
