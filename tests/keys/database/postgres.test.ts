/** @module-tag database */

import { createHash } from 'node:crypto'
import { Pool } from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import * as api from '../../../src/keys.ts'
import { writeUses } from '../../../src/keys/usage/recorder.ts'
import { KEY_STORE_TESTS } from './key-store-contract.js'
import { ask } from '../../support/key-questions.ts'
import { readFences } from '../../support/markdown.ts'
import { POSTGRES_MISSING, startPostgres } from '../../support/postgres-server.ts'
import { readText } from '../../support/project.ts'
import type { KeyStore } from '../../../src/keys.ts'
import type { PostgresServer } from '../../support/postgres-server.ts'

type StoreTest = (store: KeyStore, functions: typeof api, place: KeyStore) => Promise<void>

const { createKey, createKeyEndpoint, importKeys, KeyFileError, postgresKeys } = api

describe.skipIf(POSTGRES_MISSING !== undefined)(`postgresKeys ${POSTGRES_MISSING ?? ''}`, () => {
  let server: PostgresServer
  let pool: Pool
  let store: KeyStore
  let url: string

  beforeAll(async () => {
    server = await startPostgres()
  })
  afterAll(async () => server.remove())
  beforeEach(async () => {
    url = await server.createDatabase()
    pool = open(url)
    store = storeOf(pool)
    await store.create?.()
  })
  afterEach(async () => pool.end())

  it.each(KEY_STORE_TESTS as [string, StoreTest][])('%s', async (_title, test) => {
    await expect(test(store, api, store)).resolves.toBeUndefined()
  })

  it('works with the table and the role that the documentation shows', async () => {
    const [grant = '', , table = ''] = readFences(readText('docs/keys-database.md'))
      .filter(({ language }) => language === 'sql')
      .map(({ code }) => code)
    const columns = `select column_name, data_type, is_nullable, collation_name, ordinal_position
      from information_schema.columns where table_name = 'withauth_keys' order by ordinal_position`
    const made = (await pool.query(columns)).rows as unknown[]
    await pool.query(`drop table withauth_keys, withauth_key_use; ${table}; ${grant}`)
    expect((await pool.query(columns)).rows).toEqual(made)
    await expect(createKey(store, { principal: 'alice' })).resolves.toBeDefined()
  })

  it('serves an endpoint whose user may only select, and looks for the table before it makes one', async () => {
    const { key } = await createKey(store, { principal: 'alice' })
    await pool.query('create role reader login; grant select on withauth_keys to reader')
    const reading = open(url.replace('admin', 'reader'))
    const endpoint = createKeyEndpoint({ store: storeOf(reading) })
    expect((await endpoint(ask(key))).status).toBe(200)
    await expect(storeOf(reading).create?.()).resolves.toBeUndefined()
    const creating = createKey(storeOf(reading), { principal: 'mallory' })
    await expect(creating).rejects.toThrow('its user lacks a right on the table withauth_keys')
    await reading.end()
    await pool.query('drop table withauth_keys')
    await expect(store.get('x')).rejects.toThrow('it has no table withauth_keys: make it by')
  })

  it('works with the table of an older version, and completes it where it may', async () => {
    await pool.query('drop table withauth_key_use; alter table withauth_keys drop column name')
    const { key } = await createKey(store, { principal: 'alice' })
    await pool.query('create role old login; grant all on withauth_keys to old')
    const limited = open(url.replace('admin', 'old'))
    await expect(storeOf(limited).create?.()).resolves.toBeUndefined()
    expect((await createKeyEndpoint({ store: storeOf(limited) })(ask(key))).status).toBe(200)
    await limited.end()
    const named = { principal: 'alice', name: 'a' }
    await expect(createKey(store, named)).rejects.toThrow(
      'its table withauth_keys is of an older version: create() of the store, or "with-auth keys create", adds what it lacks',
    )
    const { keys, useError } = await api.reportKeys(store)
    expect(keys).toMatchObject([{ principal: 'alice' }])
    expect(useError?.message).toContain('it has no table withauth_key_use: make it by create()')
    await store.create?.()
    const { id } = await createKey(store, named)
    expect(await store.get(id)).toMatchObject({ name: 'a' })
    expect(await api.reportKeys(store)).not.toHaveProperty('useError')
  })

  it('counts checks where it may, and says once that it may not', async () => {
    const { id, key } = await createKey(store, { principal: 'alice' })
    const onWarning = vi.fn()
    const counting = createKeyEndpoint({ store: storeOf(pool) }, { onWarning })
    const other = createKeyEndpoint({ store: storeOf(pool) }, { onWarning })
    await pool.query('create role watcher login; grant select on withauth_keys to watcher')
    const limited = open(url.replace('admin', 'watcher'))
    const watching = createKeyEndpoint({ store: storeOf(limited) }, { onWarning })
    for (const endpoint of [counting, other, other, watching]) {
      expect((await endpoint(ask(key))).status).toBe(200)
    }
    await writeUses()
    expect((await watching(ask(key))).status).toBe(200)
    await writeUses()
    expect((await api.reportKeys(store)).keys).toMatchObject([{ id, checks: { today: 3 } }])
    expect(onWarning).toHaveBeenCalledExactlyOnceWith(
      'checks of keys are not counted: Cannot use the database: its user lacks a right on the table withauth_key_use',
    )
    await limited.end()
  })

  const INVALID_ROWS = [
    ['paths that are an object', `paths = '{}'`],
    ['paths that are null in JSON', `paths = 'null'`],
    ['attributes that are numbers', `attributes = '{ "a": 1 }'`],
    ['an end before all time', `expires = '-infinity'`],
    ['a revocation after all time', `revoked = 'infinity'`],
    ['a principal with a line break', `principal = E'a\\nb'`],
  ] as const
  it.each(INVALID_ROWS)(
    'answers 500 to the key of a row with %s, and revokes it',
    async (_title, change) => {
      const { id, key } = await createKey(store, { principal: 'alice' })
      await pool.query(`update withauth_keys set ${change}`)
      const onError = vi.fn((error: Error) => error.message)
      const endpoint = createKeyEndpoint({ store }, { onError })
      expect((await endpoint(ask(key))).status).toBe(500)
      expect(onError).toHaveBeenCalledOnce()
      expect(onError.mock.calls[0]?.[0]).toBeInstanceOf(KeyFileError)
      const sha256 = createHash('sha256').update(key).digest('hex')
      expect(await api.revokeKey(store, id)).toMatchObject({ id, status: 'revoked', sha256 })
      const working = await pool.query('select id from withauth_keys where revoked is null')
      expect(working.rows).toEqual([])
      expect((await endpoint(ask(key))).status).not.toBe(200)
    },
  )

  it('lists a row that is invalid only if it is revoked', async () => {
    const { id } = await createKey(store, { principal: 'alice', paths: ['/v1'] })
    await pool.query(`update withauth_keys set paths = '{}'`)
    await expect(api.listKeys(store)).rejects.toThrow(
      `The row of the key ${id} is invalid: "paths"`,
    )
    await pool.query(`update withauth_keys set revoked = 'infinity', principal = ''`)
    const listed = [{ id, status: 'revoked', principal: '(invalid)', revoked: true }]
    expect(await api.listKeys(store)).toMatchObject(listed)
    await pool.query(`update withauth_keys set id = 'two words', principal = 'alice'`)
    await expect(api.listKeys(store)).rejects.toThrow('it has no valid id')
    const revoking = api.revokeKeys(store, { principal: 'alice' })
    await expect(revoking).rejects.toThrow('All keys of this principal are revoked, but: The row')
  })

  it('revokes, removes and prunes in spite of invalid rows', async () => {
    const made = [1, 2, 3].map(() => createKey(store, { principal: 'alice' }))
    const ids = (await Promise.all(made)).map(({ id }) => id)
    await pool.query(`update withauth_keys set expires = '-infinity' where id = $1`, [ids[1]])
    const revoked = await api.revokeKeys(store, { principal: 'alice' })
    expect(revoked.map(({ status }) => status)).toEqual(['revoked', 'revoked', 'revoked'])
    const invalid = `update withauth_keys set principal = '', expires = null where id = $1`
    await pool.query(invalid, [ids[1]])
    expect(await api.removeKey(store, ids[1] ?? '')).toMatchObject({ principal: '(invalid)' })
    await pool.query(invalid, [ids[0]])
    expect(await api.pruneKeys(store, { older: '0' })).toHaveLength(2)
  })

  it('takes an infinite end for none, also in a rotation', async () => {
    const { id, key } = await createKey(store, { principal: 'alice' })
    await pool.query(`update withauth_keys set expires = 'infinity'`)
    expect((await createKeyEndpoint({ store })(ask(key))).status).toBe(200)
    expect((await store.get(id))?.expires).toBeUndefined()
    expect(await api.rotateKey(store, id)).toMatchObject({ principal: 'alice' })
  })

  it('makes the table for several processes at once', async () => {
    await pool.query('drop table withauth_keys')
    const stores = [1, 2, 3, 4, 5, 6].map(() => storeOf(pool))
    const making = Promise.all(stores.map(async (one) => one.create?.()))
    await expect(making).resolves.toBeDefined()
    await expect(createKey(store, { principal: 'alice' })).resolves.toBeDefined()
  })

  it('imports 20,000 keys as one statement', async () => {
    const keys = Array.from({ length: 20_000 }, (_, index) => ({
      id: `k${index}`,
      principal: 'alice',
      attributes: {},
      sha256: index.toString(16).padStart(64, '0'),
    }))
    const query = vi.fn((text: string, values: (string | null)[]) => pool.query(text, values))
    const counting = postgresKeys({ query })
    expect(await counting.insertAll(keys)).toEqual({ imported: 20_000, present: 0 })
    expect(query).toHaveBeenCalledOnce()
    const copy = storeOf(pool)
    expect(await importKeys(counting, copy)).toMatchObject({ imported: 0, present: 20_000 })
  })

  describe('while the database fails', { tags: ['slow'] }, () => {
    it('the endpoint answers 500, tells it once, and allows again afterwards', async () => {
      const { key } = await createKey(store, { principal: 'alice' })
      const messages: string[] = []
      const onError = (error: Error): unknown => messages.push(error.message)
      const endpoint = createKeyEndpoint({ store }, { onError })
      const statusOf = async (): Promise<number> => (await endpoint(ask(key))).status
      expect(await statusOf()).toBe(200)
      await server.stop()
      try {
        expect([await statusOf(), await statusOf(), await statusOf()]).toEqual([500, 500, 500])
      } finally {
        await server.start()
      }
      await vi.waitFor(async () => expect(await statusOf()).toBe(200), 10_000)
      expect(messages.length).toBeGreaterThan(0)
      expect(new Set(messages).size).toBe(messages.length)
      for (const message of messages) expect(message).toMatch(/^Cannot use the database: \w+$/)
    })
  })
})

function open(connectionString: string): Pool {
  const pool = new Pool({ connectionString, max: 8, connectionTimeoutMillis: 1000 })
  pool.on('error', () => undefined)
  return pool
}

function storeOf(pool: Pool): KeyStore {
  return postgresKeys({
    query: (text, values, name) => pool.query({ text, values, ...(name && { name }) }),
  })
}
