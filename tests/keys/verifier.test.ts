import { createHash } from 'node:crypto'
import { readdirSync, writeFileSync } from 'node:fs'
import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { routePolicy } from '../../src/access.ts'
import { createAuthenticator, memoryCache } from '../../src/index.ts'
import { createKey, createKeyEndpoint, keys, revokeKey } from '../../src/keys.ts'
import { writeUses } from '../../src/keys/usage/recorder.ts'
import { createKeysVerifier } from '../../src/keys/verifier.ts'
import { defineVerifier, firstOf, tenancy } from '../../src/verifiers.ts'
import { guardWith } from '../support/guarded-verifier.ts'
import { ask as askEndpoint, entry, keysText } from '../support/key-questions.ts'
import { setupFolder } from '../support/temporary-folder.ts'
import type { StoredKey } from '../../src/keys.ts'
import { usePassingTime } from '../support/passing-time.ts'

const pass = usePassingTime()

const pathOf = setupFolder()
const ONE = keysText(entry('k1'))
/** A key with the right checksum that no file has. */
const WHOLE = 'withauth_HjbyMuJnqiNXMVCrSVFd37Zm1hgKODiexYkOLBfAmQh1qiJB8'
const cache = (): ReturnType<typeof memoryCache> =>
  memoryCache({ allowTtlMs: 60_000, staleIfErrorMs: 60_000 })

function write(text: string): string {
  writeFileSync(pathOf('keys.yaml'), text)
  return pathOf('keys.yaml')
}

/** A key of a store. */
function stored(key: string, fields: Partial<StoredKey> = {}): StoredKey {
  const sha256 = createHash('sha256').update(key).digest('hex')
  return { id: 'k1', principal: 'alice', attributes: {}, sha256, ...fields }
}

describe('a key', () => {
  it('names its caller as the endpoint over the same keys does', async () => {
    const fields = { attributes: { roles: ['admin'] }, tenant: 'acme', expires: '2999-01-01' }
    const text = keysText(entry('k1', fields))
    const { auth, verifier, cache: cached } = await guardWith(keys({ text })).ask('k1')
    expect({ auth, verifier, cached }).toEqual({
      auth: {
        principal: 'alice',
        attributes: { roles: ['admin'] },
        tenant: 'acme',
        claims: { key_id: 'k1' },
        expiresAt: Date.UTC(2999, 0, 1),
      },
      verifier: 'api_keys',
      cached: 'off',
    })
    const answer: unknown = await (await createKeyEndpoint({ text })(askEndpoint('k1'))).json()
    const { expiresAt = 0, claims: _, ...identity } = auth ?? {}
    expect(answer).toEqual({ ...identity, exp: expiresAt / 1000 })
  })

  it.each<[token: string, path: string, detail: string | undefined]>([
    ['good', '/v1', undefined],
    ['revoked', '/', 'revoked'],
    ['later', '/', 'revoked'],
    ['ended', '/', 'expired'],
    ['limited', '/v1/models', undefined],
    ['limited', '/v1x', 'path'],
    ['limited', '/v1/%252e%252e/admin', 'path'],
    ['limited', '/v1/%2e%2e/admin', 'path'],
    ['nobody', '/', 'unknown'],
    ['other_3nD0aB', '/', 'unknown'],
    ['Good', '/', 'unknown'],
    ['withauth_cut', '/', 'malformed'],
    ['withauth_', '/', 'malformed'],
    [WHOLE, '/', 'unknown'],
    [`x${WHOLE.slice(0, -1)}`, '/', 'unknown'],
    [WHOLE.slice(0, -1), '/', 'malformed'],
    [`${WHOLE}0`, '/', 'malformed'],
    [WHOLE.replace(/8$/, '0'), '/', 'malformed'],
    // With the right checksum of 42 and of 44 digits.
    [`${WHOLE.slice(0, 51)}3Lxvny`, '/', 'malformed'],
    [`${WHOLE.slice(0, 52)}A4fydBZ`, '/', 'malformed'],
    [WHOLE.replace(/.{6}$/, '------'), '/', 'malformed'],
  ])('%s on %s: %s', async (token, path, detail) => {
    const named = (key: string, fields: object): string => entry(key, { ...fields, id: key })
    const text = keysText(
      named('good', {}),
      named('revoked', { revoked: '2020-01-01' }),
      named('later', { revoked: '2999-01-01' }),
      named('ended', { expires: '2020-01-01' }),
      named('limited', { paths: ['/v1'] }),
    )
    const decided = await guardWith(keys({ text })).ask(token, path)
    const reason = detail === undefined ? undefined : 'denied'
    expect([decided.reason, decided.detail]).toEqual([reason, detail])
  })

  it('of which the event tells the id, and not the key', async () => {
    const { id, key } = await createKey(pathOf('keys.yaml'), { principal: 'alice' })
    const { ask, events } = guardWith(keys({ file: pathOf('keys.yaml') }))
    await revokeKey(pathOf('keys.yaml'), id)
    expect(await ask(key)).toMatchObject({ detail: 'revoked', cause: `the id of the key is ${id}` })
    expect(JSON.stringify(events)).not.toMatch(/withauth_|alice/)
  })

  it.each(['__proto__', 'constructor', 'a\u202eb\u2028c', '" onload="x', 'é'.repeat(256)])(
    'of the hostile principal %j passes it on as it is',
    async (principal) => {
      const attributes = JSON.parse('{ "__proto__": ["admin"], "constructor": ["x"] }') as object
      const text = keysText(entry('k1', { principal, attributes }))
      const { auth } = await guardWith(keys({ text })).ask('k1')
      expect(auth?.principal).toBe(principal)
      expect(Object.entries(auth?.attributes ?? {})).toEqual(Object.entries(attributes))
      expect(Object.isFrozen(auth?.attributes)).toBe(true)
    },
  )
})

it('a key of some paths is denied without the path of a request', async () => {
  const text = keysText(entry('k1', { paths: ['/v1'] }))
  const asked = { token: 'k1', request: {} } as never
  const verdict = await keys({ text }).ask(asked, new AbortController().signal)
  expect(verdict).toMatchObject({ outcome: 'deny', detail: 'path' })
})

describe('keys among other verifiers', () => {
  const other = defineVerifier({
    ask: () => ({ outcome: 'allow', principal: 'of-another' }),
    reads: {},
    label: 'other',
  })

  it('of firstOf are asked about tokens of their shape alone, and a cache keeps none of them', async () => {
    const { key } = await createKey(pathOf('keys.yaml'), { principal: 'alice' })
    const file = pathOf('keys.yaml')
    const { ask } = guardWith(firstOf([keys({ file }), other]), { cache: cache() })
    expect(await ask(key)).toMatchObject({ verifier: 'api_keys', auth: { principal: 'alice' } })
    expect(await ask('abc')).toMatchObject({ verifier: 'other', cache: 'miss' })
    await revokeKey(file, { key })
    expect(await ask(key)).toMatchObject({ verifier: 'api_keys', detail: 'revoked' })
    expect(await ask(`${key}x`)).toMatchObject({ verifier: 'api_keys', detail: 'malformed' })
    write('keys: [')
    expect(await ask(key)).toMatchObject({ reason: 'service_error', verifier: 'api_keys' })
    // A broken file rejects the callers of no other member.
    expect(await ask('abc')).toMatchObject({ verifier: 'other', cache: 'hit' })
    expect(await ask('def')).toMatchObject({ verifier: 'other', outcome: 'allow' })
  })

  it('of firstOf that falls through: a broken file is no denial, and no expired allow stands in', async () => {
    const deny = defineVerifier({ ask: () => ({ outcome: 'deny' }), reads: {} })
    const { key } = await createKey(pathOf('keys.yaml'), { principal: 'alice' })
    const file = pathOf('keys.yaml')
    const verifier = firstOf([deny, keys({ file })], { fallThrough: true })
    const { ask } = guardWith(verifier, { cache: cache() })
    expect((await ask(key)).outcome).toBe('allow')
    write('keys: [')
    for (const token of [key, `${key}x`]) expect((await ask(token)).reason).toBe('service_error')
  })

  it('of firstOf take keys of your own by `accepts`', async () => {
    const accepts = (token: string): boolean => token.startsWith('sk-')
    const text = keysText(entry('sk-1'))
    const { ask } = guardWith(firstOf([keys({ text, accepts }), other]))
    expect((await ask('sk-1')).auth?.principal).toBe('alice')
    expect(await ask('sk-2')).toMatchObject({ detail: 'unknown', verifier: 'api_keys' })
    expect((await ask('withauth_1')).verifier).toBe('other')
  })

  it('go with a route policy and with tenants', async () => {
    const text = keysText(
      entry('k1', { tenant: 'acme', attributes: { roles: ['user'] } }),
      entry('k2'),
    )
    const rules = routePolicy([{ permit: { paths: '/v1/*' }, when: 'user with user in roles' }])
    const verifier = tenancy(keys({ text }), { mode: 'multi' })
    const { ask } = guardWith(verifier, { routePolicy: rules })
    expect(await ask('k1', '/v1/models')).toMatchObject({ auth: { tenant: 'acme' } })
    expect(await ask('k1', '/v2')).toMatchObject({ reason: 'forbidden' })
    expect(await ask('k2', '/v1/models')).toMatchObject({ reason: 'denied', detail: 'tenant' })
  })
})

describe('keys of a store', () => {
  it('are cached, and end when the revocation reaches the cache', async () => {
    const rows = new Map([stored('k1')].map((key) => [key.sha256, key]))
    let asked = 0
    const store = { find: (sha256: string) => ((asked += 1), rows.get(sha256)) }
    const decisions = cache()
    const verifier = keys({ store })
    const { ask } = guardWith(verifier, { cache: decisions })
    expect((await ask('k1')).cache).toBe('miss')
    expect((await ask('k1')).cache).toBe('hit')
    expect(asked).toBe(1)
    const { sha256, ...key } = stored('k1')
    rows.set(sha256, { ...key, sha256, revoked: true })
    await decisions.invalidateBy({ sha256 })
    expect(await ask('k1')).toMatchObject({ cache: 'miss', detail: 'revoked' })
    expect(verifier.local).toBeUndefined()
  })

  it('are limited to their paths behind a cache too', async () => {
    const store = { find: async () => stored('k1', { paths: ['/v1'] }) }
    const { ask } = guardWith(keys({ store }), { cache: cache() })
    expect((await ask('k1', '/v1/models')).outcome).toBe('allow')
    expect((await ask('k1', '/v1/models')).cache).toBe('hit')
    expect(await ask('k1', '/v2')).toMatchObject({ cache: 'miss', detail: 'path' })
  })

  it('whose store fails are an outage, and no expired allow is used', async () => {
    let isDown = false
    const store = {
      find: () => {
        if (isDown) throw new Error('postgres://alice:s3cret@db')
        return stored('k1')
      },
    }
    const decisions = memoryCache({ allowTtlMs: 1, staleIfErrorMs: 60_000 })
    const { ask, warnings } = guardWith(keys({ store }), { cache: decisions })
    expect((await ask('k1')).outcome).toBe('allow')
    isDown = true
    pass(5)
    const cause = 'The key store failed: Error'
    expect(await ask('k1')).toMatchObject({ reason: 'service_error', cause })
    expect(warnings()).toEqual([`requests are rejected: ${cause}`])
  })
})

it('two faults of a file are told in one line', async () => {
  const file = write(ONE)
  const { ask, warnings } = guardWith(keys({ file }))
  write('a: 1\nkeys: 7\n')
  await ask('k1')
  expect(warnings()).toEqual([
    `requests are rejected: ${file}:1:1: Unknown name "a": expected "keys"; ${file}:2:7: "keys" must be a list`,
  ])
})

it('a trial does not count as a use of a key', async () => {
  const verifier = createKeysVerifier({ source: { file: write(ONE) } }, { isTrial: true })
  expect((await guardWith(verifier).ask('k1')).outcome).toBe('allow')
  await writeUses()
  expect(readdirSync(pathOf('.'))).toEqual(['keys.yaml'])
})

describe('the options', () => {
  it('show keys that cannot be read when the verifier is made', () => {
    expect(() => keys({ file: pathOf('none') })).toThrow(`There is no file ${pathOf('none')}`)
    expect(() => keys({ text: 'keys: 7' })).toThrow('text:1:7: "keys" must be a list')
    expect(() => createKeyEndpoint({ text: '' })).toThrow('text:1:1: The list "keys" is missing')
  })

  it.each(['postgres://user:hunter2@h/keys', `redis://:hunter2@h/${'k'.repeat(5000)}`])(
    'show no password of a URL in place of a file: %#',
    (file) => {
      let caught: unknown
      try {
        keys({ file })
      } catch (error) {
        caught = error
      }
      expect(caught).toMatchObject({
        cause: { code: expect.stringMatching(/^E[A-Z]+$/) as string },
      })
      expect(inspect(caught)).toMatch(/(?:There is no file|Cannot read) \*\*\*@h\/k/)
      expect(inspect(caught)).not.toContain('hunter2')
    },
  )

  it('show no password of a URL in place of a file that is to be made', async () => {
    const caught = await createKey('postgres://user:hunter2@h/keys', { principal: 'a' }).catch(
      (error: unknown) => inspect(error),
    )
    expect(caught).toContain('Cannot create ***@h/keys.lock: its folder does not exist')
    expect(caught).not.toContain('hunter2')
  })

  it('are described without the keys', () => {
    const file = write(ONE)
    const describeKeys = (options: Parameters<typeof keys>[0]): object => keys(options).describe()
    expect(describeKeys({ file })).toEqual({ type: 'api_keys', file })
    expect(describeKeys({ text: ONE })).toEqual({ type: 'api_keys', in: 'text' })
    expect(describeKeys({ store: { find: () => undefined } })).toEqual({
      type: 'api_keys',
      in: 'store',
    })
  })

  it('leave no path of a request out', () => {
    const config = { verifier: keys({ text: ONE }), context: { path: false } } as const
    expect(() => createAuthenticator(config)).toThrow('"context.path" must be')
  })
})
