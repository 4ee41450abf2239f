import { describe, expect, it } from 'vitest'
import { hashKey } from '../../src/keys/secret.ts'
import { parseKeys } from '../../src/keys/file/document.ts'
import { createKeyring, findOpening } from '../../src/keys/keyring.ts'
import { entry, keysText } from '../support/key-questions.ts'

const NOW = Date.UTC(2026, 0, 1)
const RING = createKeyring(
  parseKeys(
    keysText(
      entry('plain'),
      entry('limited', { paths: ['/v1', '/v2/x'] }),
      entry('ending', { expires: '2026-01-01T00:01:00Z' }),
      entry('ended', { expires: '2026-01-01' }),
      entry('revoked', { revoked: '2026-06-01' }),
    ),
    'f',
  ).keys,
)

describe('a key opens', () => {
  it.each([
    ['plain', '/v1', Infinity],
    ['plain', '', Infinity],
    ['plain', '/v1/../x', Infinity],
    ['limited', '/v1/models', Infinity],
    ['limited', '/v2/x', Infinity],
    ['ending', '/', 60_000],
  ])('%s: %j', async (key, path, lifeMs) => {
    const found = findOpening(RING, await hashKey(key), path, NOW)
    expect(found).toMatchObject({ key: { id: key }, lifeMs })
  })
})

describe('a key does not open', () => {
  it.each([
    ['unknown', '/v1'],
    ['', '/v1'],
    ['Plain', '/v1'],
    ['limited', '/v2'],
    ['limited', '/v1x'],
    ['limited', '/v1/../v3'],
    ['limited', ''],
    ['ended', '/v1'],
    ['revoked', '/v1'],
  ])('%j: %j', async (key, path) => {
    expect(findOpening(RING, await hashKey(key), path, NOW)).toBeUndefined()
  })

  it('after its end', async () => {
    expect(findOpening(RING, await hashKey('ending'), '/', NOW + 59_999)).toBeDefined()
    expect(findOpening(RING, await hashKey('ending'), '/', NOW + 60_000)).toBeUndefined()
  })

  it('if there are none', async () => {
    expect(findOpening(createKeyring([]), await hashKey('plain'), '/', NOW)).toBeUndefined()
  })
})
