import { writeFileSync } from 'node:fs'
import { Client } from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { endpointCommand } from '../../../src/cli/commands/endpoint.ts'
import { gatewayCommand } from '../../../src/cli/commands/gateway.ts'
import { COMMANDS, main } from '../../../src/cli/main.ts'
import { OutputError } from '../../../src/cli/surroundings.ts'
import { connectLiveGuard, stopGuards } from '../../support/connected-guards.ts'
import { ask, entry, keysText } from '../../support/key-questions.ts'
import { POSTGRES_MISSING, startPostgres } from '../../support/postgres-server.ts'
import { ENGINES, startEngine, stopEngines, writeStoreConfig } from '../../support/redis-servers.ts'
import { serveCommand, stopCommands } from '../../support/served-command.ts'
import { createSurroundings, runLine } from '../../support/surroundings.ts'
import { setupFolder } from '../../support/temporary-folder.ts'
import { startConsole } from '../console/running-console.ts'
import { outlastStore } from '../support/silent-store.ts'
import type { KeyRecord } from '../../../src/keys.ts'
import type { Answer } from '../console/running-console.ts'
import type { PostgresServer } from '../../support/postgres-server.ts'

/** The commands over PostgreSQL. `tests/runtimes/keys-sqlite.test.ts` runs them over SQLite. */

it.each([
  'postgres://u:s3cret@h/b',
  'postgresql+psycopg://u:s3cret@h/b',
  'cockroachdb://s3cret/b',
  ' postgres:s3cret',
  'postgres:/u:s3cret@h.db',
  'env:s3cret-name',
  'env:postgres:/u:s3cret@h',
])(
  'no command takes the address of a database from the command line, or shows it: %s',
  async (text) => {
    const lines = [
      ['--keys', 'keys', 'list', '--keys', text],
      ['FROM', 'keys', 'import', text, '--keys', 'env:KEYS_URL'],
    ]
    for (const [flag, ...line] of lines) {
      const { code, printed, noted } = await runLine(line, COMMANDS, { KEYS_URL: '' })
      expect({ code, printed }).toEqual({ code: 2, printed: '' })
      expect(noted).toMatch(new RegExp(`^with-auth: ${flag} must be .* is not shown\\)`))
      expect(noted).not.toContain('s3cret')
    }
  },
)

const missing = POSTGRES_MISSING ?? ''
describe.skipIf(missing !== '')(`env:KEYS_URL ${missing}`, { tags: ['database'] }, () => {
  const inFolder = setupFolder()
  let server: PostgresServer
  let env: Readonly<Record<string, string>>

  beforeAll(async () => {
    server = await startPostgres()
  })
  afterAll(async () => server.remove())
  beforeEach(async () => {
    env = { KEYS_URL: await server.createDatabase() }
  })
  afterEach(stopCommands)
  afterEach(stopGuards)
  afterEach(stopEngines)

  const keys = (...args: string[]): ReturnType<typeof runLine> =>
    runLine(['keys', ...args, '--keys', 'env:KEYS_URL'], COMMANDS, env)
  const listed = async (...args: string[]): Promise<readonly KeyRecord[]> =>
    JSON.parse((await keys('list', '--json', ...args)).printed) as readonly KeyRecord[]
  const writeKeys = (...entries: readonly string[]): string => {
    writeFileSync(inFolder('keys.yaml'), keysText(...entries))
    return inFolder('keys.yaml')
  }

  it('imports a key file, and exports the same keys', async () => {
    const file = writeKeys(
      entry('one', { attributes: { roles: ['admin'] }, paths: ['/v1'] }),
      entry('two', { created: '2026-01-01T00:00:00Z', revoked: true }),
    )
    const noted = 'with-auth: imported 2, already present 0\n'
    expect(await keys('import', file)).toEqual({ code: 0, printed: '', noted })
    const again = await keys('import', file, '--json')
    expect(JSON.parse(again.printed)).toEqual({ imported: 0, present: 2 })
    const exported = await keys('export')
    const fromFile = await runLine(['keys', 'export', '--keys', file], COMMANDS)
    expect(exported).toEqual(fromFile)
    const json = await keys('export', '--json')
    expect(JSON.parse(json.printed)).toMatchObject({ keys: [{ id: 'one' }, { id: 'two' }] })
    const other = writeKeys(entry('three'), entry('new', { id: 'one' }))
    expect(await keys('import', other)).toEqual({
      code: 1,
      printed: '',
      noted: 'with-auth: Another key has the id or the hash of: one. Nothing was added\n',
    })
    expect((await listed()).map(({ id }) => id)).toEqual(['one', 'two'])
  })

  it(
    'exports more than a key file may hold, and imports it again',
    { tags: ['slow'] },
    async () => {
      const about = ['x'.repeat(8000)]
      const many = Array.from({ length: 300 }, (_, at) =>
        entry(`k${at}`, { attributes: { about } }),
      )
      expect((await keys('import', writeKeys(...many))).noted).toContain('imported 300')
      const exported = await keys('export')
      expect(exported.code).toBe(0)
      writeFileSync(inFolder('copy.yaml'), exported.printed)
      env = { KEYS_URL: await server.createDatabase() }
      expect(await keys('import', inFolder('copy.yaml'))).toMatchObject({
        noted: 'with-auth: imported 300, already present 0\n',
      })
    },
  )

  const query = async (sql: string): Promise<readonly unknown[]> => {
    const client = new Client({ connectionString: env['KEYS_URL'] })
    await client.connect()
    try {
      return (await client.query<object>(sql)).rows
    } finally {
      await client.end()
    }
  }
  const insertTwoPages = async (): Promise<void> => {
    await keys('import', writeKeys(entry('k1000')))
    await query(`insert into withauth_keys (id, principal, attributes, sha256)
      select 'k' || n, 'alice', '{}', sha256(n::text::bytea) from generate_series(1001, 2000) n`)
  }

  it('exports no further page while the reader of the last one is slow', async () => {
    await insertTwoPages()
    let [printed, unwritten, most] = ['', 0, 0]
    const code = await main(['keys', 'export', '--keys', 'env:KEYS_URL', '--json'], COMMANDS, {
      ...createSurroundings(env),
      print: (text) => {
        printed += text
        unwritten += 1
        most = Math.max(most, unwritten)
      },
      flush: async () => {
        await new Promise((resolve) => setImmediate(resolve))
        unwritten = 0
      },
    })
    expect({ code, most }).toEqual({ code: 0, most: 1 })
    expect(JSON.parse(printed)).toMatchObject({ keys: { length: 1001 } })
  })

  it('an export that breaks off says at its end that it is incomplete', async () => {
    await insertTwoPages()
    await query(`update withauth_keys set principal = '' where id = 'k2000'`)
    const { code, printed, noted } = await keys('export')
    expect(code).toBe(1)
    expect(printed).toMatch(/^# [^]* id: k1999\n[^]*\nThis export is incomplete\n$/)
    expect(noted).toMatch(/^with-auth: The row of the key k2000 .*\. The output is incomplete\n$/)
    writeFileSync(inFolder('part.yaml'), printed)
    expect(await keys('import', inFolder('part.yaml'))).toMatchObject({ code: 1, printed: '' })
    const json = await keys('export', '--json')
    expect(json.code).toBe(1)
    expect(json.printed).toMatch(/\}\nThis export is incomplete\n$/)
  })

  it('says that the keys are imported if the result cannot be written', async () => {
    const file = writeKeys(entry('one', { revoked: true }))
    const args = ['keys', 'import', file, '--keys', 'env:KEYS_URL']
    const full = new OutputError(Object.assign(new Error('full'), { code: 'ENOSPC' }))
    const surroundings = { ...createSurroundings(env), flush: () => Promise.reject(full) }
    expect(await main([...args, '--json'], COMMANDS, surroundings)).toBe(1)
    expect(surroundings.noted()).toContain('standard output: ENOSPC. The keys are imported"')
  })

  it('a store that does not acknowledge: the keys stay imported, and the command says so', async () => {
    const file = writeKeys(entry('one', { revoked: true }))
    const { code, noted } = await outlastStore(10_000, (url) =>
      keys('import', file, '--config', writeStoreConfig(inFolder('run.yaml'), url)),
    )
    expect(noted).toContain('. The keys are imported into env:KEYS_URL. To announce it again,')
    expect(code).toBe(1)
  })

  it('imports from a database, and leaves no connection to it', async () => {
    await keys('import', writeKeys(entry('one')))
    const copy = await server.createDatabase()
    const line = ['keys', 'import', 'env:KEYS_URL', '--keys', 'env:COPY_URL']
    const imported = await runLine(line, COMMANDS, { ...env, COPY_URL: copy })
    expect(imported.noted).toBe('with-auth: imported 1, already present 0\n')
    const others =
      'select from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()'
    await vi.waitFor(async () => expect(await query(others)).toEqual([]), 5000)
  })

  it('makes no table for a key that cannot be made', async () => {
    const { code } = await keys('create', '--principal', 'a', '--expires-in', 'soon')
    expect(code).toBe(2)
    expect((await keys('list')).noted).toContain('it has no table')
  })

  it.skipIf(ENGINES.length === 0)(
    'announces what an import ends, and reads the config first',
    async () => {
      const config = inFolder('run.yaml')
      const ended = [entry('one', { revoked: true }), entry('two', { expires: '2030-01-01' })]
      const file = writeKeys(...ended, entry('three'))
      writeStoreConfig(config)
      const refused = await keys('import', file, '--config', config)
      expect(refused).toMatchObject({
        code: 1,
        noted: expect.stringContaining('no server.auth.store'),
      })
      expect((await keys('list')).noted).toContain('it has no table')

      const engine = await startEngine(ENGINES[0] ?? 'valkey')
      const guard = await connectLiveGuard(() => ({ outcome: 'allow' }), { url: engine.url })
      for (const token of ['one', 'two', 'three']) await guard.ask(token)
      writeStoreConfig(config, engine.url)
      const imported = await keys('import', file, '--config', config, '--json')
      expect(imported).toEqual({ code: 0, printed: '{"imported":3,"present":0}\n', noted: '' })
      for (const token of ['one', 'two']) {
        await vi.waitFor(
          async () => expect(await guard.ask(token)).toMatchObject({ attempts: 1 }),
          10_000,
        )
      }
      expect(await guard.ask('three')).toMatchObject({ cache: 'hit' })
    },
  )

  it('lists pages, and says how to get the next one', async () => {
    const ids = ['b', 'a', 'd', 'c']
    await keys('import', writeKeys(...ids.map((id) => entry(id, { principal: `p-${id}` }))))
    const page = await keys('list', '--limit', '3')
    expect(page.noted).toBe('with-auth: for more keys add --after c\n')
    expect(page.printed.match(/^[a-d](?= )/gm)).toEqual(['a', 'b', 'c'])
    expect((await listed('--after', 'c')).map(({ id }) => id)).toEqual(['d'])
    expect((await listed('--principal', 'p-b')).map(({ id }) => id)).toEqual(['b'])
    await insertTwoPages()
    expect((await keys('list')).noted).toBe('with-auth: for more keys add --after k1095\n')
    writeKeys(...ids.map((id) => entry(id)))
    const ofFile = await runLine(
      ['keys', 'list', '--keys', inFolder('keys.yaml'), '--after', 'a', '--limit', '2', '--json'],
      COMMANDS,
    )
    expect((JSON.parse(ofFile.printed) as KeyRecord[]).map(({ id }) => id)).toEqual(['b', 'c'])
  })

  it('decides for the endpoint and the gateway', async () => {
    const { printed } = await keys('create', '--principal', 'alice')
    const key = printed.trim()
    const endpoint = serveCommand(endpointCommand, ['--keys', 'env:KEYS_URL', '--json'], env)
    const url = await endpoint.listening()
    const { method, body } = ask(key)
    const question = { method, body: await new Response(body).text() }
    expect((await fetch(url, question)).status).toBe(200)
    const gateway = serveCommand(
      gatewayCommand,
      ['--keys', 'env:KEYS_URL', '--upstream', url, '--json'],
      env,
    )
    const headers = { authorization: `Bearer ${key}` }
    const passed = await fetch(await gateway.listening(), { headers })
    // The endpoint is the upstream too. It answers only POST.
    expect(passed.status).toBe(405)
    await keys('revoke', '--principal', 'alice')
    expect((await fetch(url, question)).status).toBe(401)
  })

  it.each([
    ['a table that is missing', ['list'], {}, 'env:KEYS_URL: it has no table withauth_keys'],
    [
      'a server that is down',
      ['list'],
      { KEYS_URL: 'postgres://a:s3cret@127.0.0.1:9/b' },
      'ECONNREFUSED',
    ],
    [
      'another URL',
      ['list'],
      { KEYS_URL: 'mysql://a:s3cret@h/b' },
      'this variable must hold a URL',
    ],
    ['an empty URL', ['list'], { KEYS_URL: '' }, 'this variable is not set'],
    ['a missing source', ['import', 'missing.yaml'], {}, 'FROM missing.yaml: no such file'],
    ['an empty source', ['import', 'env:KEYS_URL'], {}, 'FROM env:KEYS_URL: it has no table'],
  ])('says what is wrong with %s, without the URL', async (_what, args, variables, message) => {
    const line = ['keys', ...args, '--keys', 'env:KEYS_URL']
    const { code, printed, noted } = await runLine(line, COMMANDS, { ...env, ...variables })
    expect({ code: code > 0, printed }).toEqual({ code: true, printed: '' })
    expect(noted).toContain(message)
    expect(noted).not.toMatch(/s3cret|127\.0\.0\.1/)
  })

  it(
    'shows on the page that the database is gone, and the keys once it is back',
    { tags: ['slow'] },
    async () => {
      await keys('create', '--principal', 'alice')
      const served = await startConsole('env:KEYS_URL', [], env)
      const headers = await served.signIn()
      const list = (): Promise<Answer> => served.send('/api/keys', { headers })
      expect((await list()).body).toMatchObject({
        place: 'env:KEYS_URL',
        keys: [{ principal: 'alice' }],
      })
      await server.stop()
      const { status, text } = await list()
      expect([status, text]).toEqual([
        500,
        expect.stringMatching(/^\{"error":\{"message":"--keys env:KEYS_URL: .*ECONNREFUSED/),
      ])
      await server.start()
      await vi.waitFor(async () => expect((await list()).status).toBe(200), { timeout: 10_000 })
    },
  )
})
