import { createHash } from 'node:crypto'
import { expect, it, vi } from 'vitest'
import { createKeyEndpoint } from '../../../src/keys.ts'
import { ask } from '../../support/key-questions.ts'
import { TOKEN } from '../../support/token.ts'
import type { KeyFileError, KeyStore, StoredKey } from '../../../src/keys.ts'

/** A store that anyone may have written must never let the endpoint allow more than it says. */

const SHA = createHash('sha256').update(TOKEN).digest('hex')
const KEY: StoredKey = { id: 'a', principal: 'alice', attributes: {}, sha256: SHA }

async function answerTo(find: (sha256: string) => unknown): Promise<{
  readonly statuses: readonly number[]
  readonly told: readonly string[]
}> {
  const told: string[] = []
  const onError = ({ message }: KeyFileError): unknown => told.push(message)
  const store = { find: find as KeyStore['find'] }
  const endpoint = createKeyEndpoint({ store }, { onError })
  const statuses = [(await endpoint(ask(TOKEN))).status, (await endpoint(ask(TOKEN))).status]
  return { statuses, told }
}

it('an endpoint over a store allows the key that the store returns for its hash', async () => {
  const find = vi.fn((sha256: string) => (sha256 === SHA ? KEY : undefined))
  expect(await answerTo(find)).toEqual({ statuses: [200, 200], told: [] })
  expect(await answerTo(() => undefined)).toEqual({ statuses: [401, 401], told: [] })
  expect(await answerTo(() => null)).toEqual({ statuses: [401, 401], told: [] })
})

it('an endpoint denies a revoked key whose fields are getters of its class', async () => {
  class Row {
    get id(): string {
      return 'a'
    }
    get principal(): string {
      return 'alice'
    }
    get sha256(): string {
      return SHA
    }
    get revoked(): string | undefined {
      return '2026-01-01'
    }
  }
  class Active extends Row {
    override get revoked(): undefined {
      return undefined
    }
  }
  expect(await answerTo(() => new Active())).toEqual({ statuses: [200, 200], told: [] })
  expect(await answerTo(() => new Row())).toEqual({ statuses: [401, 401], told: [] })
  const ownFields = Object.create(
    { revoked: true },
    Object.getOwnPropertyDescriptors(KEY),
  ) as object
  expect(await answerTo(() => ownFields)).toEqual({ statuses: [401, 401], told: [] })
})

it.each<[string, () => unknown, string]>([
  [
    'returns the key of another',
    () => ({ ...KEY, sha256: 'a'.repeat(64) }),
    'The key store returned another key than the one with this hash',
  ],
  ['returns a text', () => 'a', 'A key of the store is invalid: it is not an object'],
  [
    'returns paths that are a text',
    () => ({ ...KEY, paths: '["/v1"]' }),
    'A key of the store is invalid: "paths" must be a list of at least one, each a path',
  ],
  [
    'returns the end of a key under another name',
    () => ({ ...KEY, expires_at: '2020-01-01' }),
    'A key of the store is invalid: Unknown field "expires_at": expected id, prefix, name, principal, ',
  ],
  [
    'returns an end that is a number',
    () => ({ ...KEY, expires: 1_600_000_000_000 }),
    'A key of the store is invalid: "expires" must be a time such as',
  ],
  [
    'throws',
    () => {
      throw Object.assign(new Error('s3cret'), { code: 'ECONNREFUSED' })
    },
    'The key store failed: ECONNREFUSED',
  ],
  ['rejects', () => Promise.reject(new TypeError('s3cret')), 'The key store failed: TypeError'],
])('an endpoint answers 500 and tells it once if the store %s', async (_what, find, message) => {
  const { statuses, told } = await answerTo(find)
  expect(statuses).toEqual([500, 500])
  expect(told).toHaveLength(1)
  expect(told[0]).toContain(message)
  expect(told[0]).not.toContain('s3cret')
})

it('a key with another hash than the wanted one is malformed', async () => {
  const told: KeyFileError[] = []
  const store = { find: () => ({ ...KEY, sha256: 'a'.repeat(64) }) }
  await createKeyEndpoint({ store }, { onError: (error) => told.push(error) })(ask(TOKEN))
  expect(told).toMatchObject([{ code: 'malformed' }])
})

it('an endpoint answers 500 after a second if the store does not answer', async () => {
  vi.useFakeTimers()
  const told: KeyFileError[] = []
  let find: KeyStore['find'] = () => undefined
  const asked = new Promise<void>((resolve) => {
    find = () => {
      resolve()
      return new Promise(() => undefined)
    }
  })
  const onError = (error: KeyFileError): unknown => told.push(error)
  const response = createKeyEndpoint({ store: { find } }, { onError })(ask(TOKEN))
  await asked
  await vi.advanceTimersByTimeAsync(1000)
  expect((await response).status).toBe(500)
  expect(told).toMatchObject([
    { code: 'database', message: 'The key store did not answer within 1000 ms' },
  ])
})

it('an endpoint tells the cause of a failure, or else the console, and gives warnings to it', async () => {
  const cause = new TypeError('s3cret')
  const told: KeyFileError[] = []
  const store = { find: () => Promise.reject(cause) }
  await createKeyEndpoint({ store }, { onError: (error) => told.push(error) })(ask(TOKEN))
  expect(told).toMatchObject([{ code: 'database', problems: [], cause }])
  const [print, warn] = [vi.spyOn(console, 'error'), vi.spyOn(console, 'warn')]
  for (const printed of [print, warn]) printed.mockImplementation(() => undefined)
  await createKeyEndpoint({ store })(ask(TOKEN))
  expect(print).toHaveBeenCalledExactlyOnceWith('with-auth: The key store failed: TypeError')
  const expires = new Date(Date.now() + 60_000).toISOString()
  await createKeyEndpoint({ store: { find: () => ({ ...KEY, expires }) } })(ask(TOKEN))
  expect(warn).toHaveBeenCalledExactlyOnceWith(
    expect.stringMatching(/^with-auth: the key a is in use and expires within one day/),
  )
})

it.each<[string, () => unknown]>([
  [
    'throws',
    () => {
      throw new Error('bug')
    },
  ],
  ['rejects', () => Promise.reject(new Error('bug'))],
])('an endpoint answers 500 also if its observer %s', async (_what, onError) => {
  const store = { find: () => Promise.reject(new TypeError()) }
  expect((await createKeyEndpoint({ store }, { onError })(ask(TOKEN))).status).toBe(500)
  // Vitest fails for an unhandled rejection.
  await new Promise(setImmediate)
})
