import { expect, it, vi } from 'vitest'
import { KeyFileError, postgresKeys } from '../../../src/keys.ts'
import type { PostgresKeysOptions, StoredKey } from '../../../src/keys.ts'

/** Clients that do not do what `pg` does. None of their messages is shown, since they may hold the address or a value. */

const SHA = 'a'.repeat(64)
const ROW = {
  sha256: SHA,
  id: 'a',
  principal: 'alice',
  attributes: '{}',
  tenant: null,
  paths: null,
  prefix: null,
  created: null,
  expires: null,
  revoked: null,
  successor: null,
}

function storeOf(query: (text: string, values: readonly unknown[], name?: string) => unknown) {
  return postgresKeys({ query: query as PostgresKeysOptions['query'] })
}

function failure(message: string, fields: object = {}): () => Promise<never> {
  return () => Promise.reject(Object.assign(new Error(message), fields))
}

it.each([
  [{ query: 's3cret' }, '"options.query" must be a function', 'options.query'],
  [{}, '"options.query" must be a function', 'options.query'],
  [{ querry: () => [] }, 'Unknown option "options.querry"', 'options.querry'],
  [undefined, '"options" must be an object such as { query }', 'options'],
])('rejects the options %j', (options, message, option) => {
  const make = (): unknown => postgresKeys(options as unknown as PostgresKeysOptions)
  expect(make).toThrow(message)
  expect(make).toThrow(expect.objectContaining({ option }))
})

it('reads rows from a list and from a result, and gives the look-up a name', async () => {
  const query = vi.fn(() => [ROW])
  const expected = { id: 'a', principal: 'alice', sha256: SHA, attributes: {} }
  expect(await storeOf(query).find(SHA)).toEqual(expected)
  expect(await storeOf(() => ({ rows: [ROW] })).get('a')).toEqual(expected)
  expect(query).toHaveBeenCalledExactlyOnceWith(expect.any(String), [SHA], 'withauth_find')
})

it.each<[string, () => unknown, string]>([
  ['returns nothing', () => undefined, 'Cannot use the database: TypeError'],
  ['returns another object', () => ({ rows: 'a' }), 'Cannot use the database: TypeError'],
  [
    'throws at once',
    () => {
      throw new RangeError('s3cret')
    },
    'Cannot use the database: RangeError',
  ],
  [
    'times out',
    failure('Query read timeout s3cret'),
    'Cannot use the database: it did not answer in time',
  ],
  [
    'times out in other words',
    failure('timed out'),
    'Cannot use the database: it did not answer in time',
  ],
  ['fails otherwise', failure('s3cret'), 'Cannot use the database: Error'],
  ['rejects a text', () => Promise.reject('timeout'), 'Cannot use the database: '],
  [
    'has a wrong password',
    failure('s3cret', { code: '28P01' }),
    'Cannot use the database: it rejects the password',
  ],
  [
    'finds no database',
    failure('s3cret', { code: '3D000' }),
    'Cannot use the database: there is no such database',
  ],
  [
    'may not read',
    failure('s3cret', { code: '42501' }),
    'Cannot use the database: its user lacks a right on the table withauth_keys',
  ],
])('says why it cannot use a client that %s', async (_what, query, message) => {
  const found = Promise.resolve(storeOf(query).find(SHA))
  const error: unknown = await found.catch((cause: unknown) => cause)
  expect(error).toBeInstanceOf(KeyFileError)
  expect(error).toMatchObject({ code: 'database', problems: [] })
  expect(error).toHaveProperty('message', expect.stringContaining(message))
  expect(error).toHaveProperty('message', expect.not.stringContaining('s3cret'))
  expect(error).toHaveProperty('cause')
})

it('says what is wrong with the answer of a client', async () => {
  const found = Promise.resolve(storeOf(() => undefined).find(SHA))
  await expect(found).rejects.toMatchObject({ cause: { message: '"query" returned no rows' } })
})

it('gives up a client that does not answer', async () => {
  vi.useFakeTimers()
  const found = Promise.resolve(storeOf(() => new Promise(() => undefined)).find(SHA))
  const failed = found.catch((error: unknown) => error)
  await vi.advanceTimersByTimeAsync(10_000)
  expect(await failed).toMatchObject({
    code: 'database',
    message:
      'Cannot use the database: it did not answer within 10 s. A change may or may not be done',
  })
})

it('names at most twenty keys that an import met', async () => {
  const ids = Array.from({ length: 23 }, (_, index) => `k${index}`)
  const conflict = Object.assign(new Error('s3cret'), { code: '23505' })
  const import23 = (known: readonly string[], cause: Error = conflict) => {
    const query = vi.fn<() => Promise<unknown>>(async () => known.map((id) => ({ id })))
    return storeOf(query.mockRejectedValueOnce(cause)).insertAll([])
  }
  await expect(import23(ids)).rejects.toMatchObject({
    code: 'conflict',
    message: `Another key has the id or the hash of: ${ids.slice(0, 20).join(', ')}, and 3 more. Nothing was added`,
    problems: [],
    cause: conflict,
  })
  await expect(import23(ids.slice(3))).rejects.toMatchObject({
    message: `Another key has the id or the hash of: ${ids.slice(3).join(', ')}. Nothing was added`,
  })
  const other = Object.assign(new Error('s3cret'), { code: '57014' })
  await expect(import23(ids, other)).rejects.toMatchObject({ code: 'database' })
})

it.each([`${SHA}0`, `0${SHA}`, SHA.toUpperCase(), ''])(
  'asks for no hash such as %j',
  async (sha256) => {
    const query = vi.fn()
    const message = 'find() needs the SHA-256 of a key: 64 lower-case hex digits'
    await expect(storeOf(query).find(sha256)).rejects.toThrow(message)
    expect(query).not.toHaveBeenCalled()
  },
)

it.each<[string, object, string]>([
  ['created', { created: 'soon' }, '"created" must be a time such as'],
  ['created', { created: '253402300800000' }, '"created" must be a time such as'],
  ['created', { created: '-62167219200001' }, '"created" must be a time such as'],
  ['sha256', { sha256: 7 }, '"sha256" must be'],
  ['paths', { paths: undefined }, '"paths" must be'],
  ['principal', { principal: null }, '"principal" is missing'],
])('rejects a row with a wrong %s', async (_column, fields, problem) => {
  const found = storeOf(() => [{ ...ROW, ...fields }]).find(SHA)
  await expect(found).rejects.toMatchObject({ code: 'malformed' })
  await expect(found).rejects.toThrow(`The row of the key a is invalid: ${problem}`)
})

it('reads the first and the last time that it can write', async () => {
  const fields = { created: '-62167219200000', expires: '253402300799999' }
  expect(await storeOf(() => [{ ...ROW, ...fields }]).find(SHA)).toMatchObject({
    created: '0000-01-01T00:00:00Z',
    expires: '9999-12-31T23:59:59.999Z',
  })
})

it.each<[string, object, string]>([
  ['a time', { created: 'soon' }, 'The key a is invalid: "created" must be a time such as'],
  ['an id', { id: 'not an id' }, 'The key (it has no valid id) is invalid: "id" must be'],
])('adds no key with a wrong form of %s', async (_what, fields, message) => {
  const query = vi.fn(() => [])
  const key = { id: 'a', principal: 'alice', attributes: {}, sha256: SHA, ...fields } as StoredKey
  await expect(storeOf(query).insert(key)).rejects.toThrow(message)
  expect(query).not.toHaveBeenCalled()
})

it.each([
  [[{ keys: 'k', use: 'u', name: '1' }], 1],
  [[{ keys: 'k', use: null, name: null }], 2],
])('makes what is missing of %j', async (found, statements) => {
  const query = vi.fn<() => unknown>(failure('no right', { code: '42501' }))
  await storeOf(query.mockReturnValueOnce(found)).create?.()
  expect(query).toHaveBeenCalledTimes(statements)
})

it('cannot make the tables without the right to', async () => {
  const query = vi.fn<() => unknown>(failure('no right', { code: '42501' }))
  const creating = storeOf(query.mockReturnValueOnce([{}])).create?.()
  await expect(creating).rejects.toMatchObject({ code: 'database' })
})

it('drops old counts once a day', async () => {
  vi.useFakeTimers({ now: Date.UTC(2026, 5, 30), toFake: ['Date'] })
  const query = vi.fn((_text: string, _values: readonly unknown[]) => [])
  const store = storeOf(query)
  const use = { id: 'a', day: '2026-06-30', checks: 1, lastUsed: '2026-06-30T00:00:00Z' }
  for (let times = 0; times < 2; times += 1) await store.addUse?.([use])
  const cleaned = query.mock.calls.filter(([text]) => text.startsWith('delete'))
  expect(cleaned.map(([, values]) => values)).toEqual([['2026-05-26']])
})

it('reads a count without a valid time as one without a time', async () => {
  const row = { id: 'a', day: '2026-06-30', checks: '1' }
  const times = ['soon', '253402300800000']
  const rows = times.map((time) => ({ ...row, last_used: time }))
  const lastUsed = ''
  const expected = { ...row, checks: 1, lastUsed }
  expect(await storeOf(() => rows).readUse?.(['a'])).toEqual([expected, expected])
})

it('revokes at no time that it cannot read', async () => {
  const revoking = Promise.resolve(storeOf(() => []).revokeAll?.('alice', 'soon'))
  await expect(revoking).rejects.toMatchObject({
    code: 'malformed',
    message: '"revoked" must be a time such as 2026-12-31T00:00:00Z',
  })
})

it('names the key that it cannot add', async () => {
  const key: StoredKey = { id: 'a', principal: 'alice', attributes: {}, sha256: SHA }
  const adding = Promise.resolve(storeOf(() => []).insert(key))
  await expect(adding).rejects.toThrow('Another key has the id or the hash of: a')
})

it('changes nothing in an empty change, and no key to an invalid one', async () => {
  const query = vi.fn(() => [ROW])
  expect(await storeOf(query).update('a', {})).toMatchObject({ id: 'a' })
  expect(query).toHaveBeenCalledWith(expect.stringContaining('set id = id where'), ['a'], undefined)
  const changing = Promise.resolve(storeOf(query).update('a', { expires: 'soon' }))
  await expect(changing).rejects.toThrow('The change is invalid: "expires" must be a time such as')
})
