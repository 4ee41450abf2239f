import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createConnection, createServer } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { ANNOUNCE_OPTION, prepareAnnouncement } from '../../../src/cli/announcement.ts'
import { readCommandLine } from '../../../src/cli/command-line.ts'
import { COMMANDS } from '../../../src/cli/main.ts'
import { memoryCache } from '../../../src/index.ts'
import { createKey, createKeyEndpoint, keys as keysVerifier, listKeys } from '../../../src/keys.ts'
import { repositoryOf } from '../../../src/keys/edits/place.ts'
import { redisStore } from '../../../src/redis.ts'
import { connectLiveGuard, stopGuards, pause, until } from '../../support/connected-guards.ts'
import { guardWith } from '../../support/guarded-verifier.ts'
import { ask } from '../../support/key-questions.ts'
import { close, findFreePort, listen } from '../../support/loopback.ts'
import { ENGINES, startEngine, stopEngines, writeStoreConfig } from '../../support/redis-servers.ts'
import { runLine } from '../../support/surroundings.ts'
import { setupFolder } from '../../support/temporary-folder.ts'
import { outlastStore } from '../support/silent-store.ts'
import { createClient } from '@redis/client'
import type { CreatedKey, KeyStore, RetiredKey } from '../../../src/keys.ts'
import type { ConnectedGuard } from '../../support/connected-guards.ts'
import type { RunningEngine } from '../../support/redis-servers.ts'
import type { Verdict } from '../../../src/index.ts'

/** The commands that tell the instances of a change: revoke, and those of keys with --config. */

const pathOf = setupFolder()
const [engineName] = ENGINES

const KEY = 'key-of-alice-k7vq2xw9mz4'
const configFor = (url?: string): string => writeStoreConfig(pathOf('run.yaml'), url)

function revoke(args: readonly string[], input = '') {
  return runLine(['revoke', ...args], COMMANDS, {}, input)
}

function keys(config: string, args: readonly string[], input = '') {
  const line = ['keys', ...args, '--keys', pathOf('keys.yaml'), '--config', config]
  return runLine(line, COMMANDS, {}, input)
}

function create(): Promise<CreatedKey> {
  return createKey(pathOf('keys.yaml'), { principal: 'alice' })
}

describe.each([
  ['revoke', []],
  ['revoke --principal', []],
  ['rotate', ['--overlap', '0']],
  ['remove', []],
])('with-auth keys %s', (command, more) => {
  it.each([
    [
      'has no store',
      'server: { auth: { endpoint: "https://a.example" } }',
      /it has no server\.auth\.store, and without it no instance can be told\n$/,
    ],
    ['is invalid', 'server: { auth: { endpoint: 1 } }', /"server\.auth\.endpoint" must be/],
    ['is missing', undefined, /--config .*: no such file/],
  ])('changes nothing if the config %s', async (_what, text, message) => {
    const { id } = await create()
    const before = readFileSync(pathOf('keys.yaml'), 'utf8')
    if (text !== undefined) writeFileSync(pathOf('run.yaml'), text)
    const operand = command.endsWith('--principal') ? 'alice' : id
    const args = [...command.split(' '), operand, ...more]
    const { code, printed, noted } = await keys(pathOf('run.yaml'), args)
    expect({ code, printed }).toEqual({ code: 1, printed: '' })
    expect(noted).toMatch(message)
    expect(readFileSync(pathOf('keys.yaml'), 'utf8')).toBe(before)
  })
})

it('with-auth revoke exits 1 without a store, or without an acknowledgement', async () => {
  const without = await revoke(['--config', configFor()], KEY)
  expect(without).toMatchObject({
    code: 1,
    noted: expect.stringMatching(/no server.auth.store/) as unknown,
  })
  const file = configFor(`redis://127.0.0.1:${await findFreePort()}`)
  const unacknowledged = await revoke(['--config', file, '--timeout-ms=300'], KEY)
  expect(unacknowledged.noted).toMatch(
    /has not acknowledged the revocation \(ECONNREFUSED\)\. Try again/,
  )
  expect(unacknowledged.code).toBe(1)
})

it('asks no store if no key has ended', async () => {
  const store = createServer((socket) => void socket.end())
  const accept = vi.fn()
  const port = await listen(store.on('connection', accept))
  onTestFinished(() => close(store))
  const line = readCommandLine(
    ['--config', configFor(`redis://127.0.0.1:${port}`)],
    ANNOUNCE_OPTION,
  )
  const announce = await prepareAnnouncement(line)
  await announce([], 'done')
  // A server accepts connections in their order, so this one comes after any of the store.
  await once(createConnection(port, '127.0.0.1').resume(), 'close')
  expect(accept).toHaveBeenCalledOnce()
})

describe('a store that does not acknowledge', () => {
  const start = 'with-auth: The store has not acknowledged the revocation (timeout).'

  it.each([
    ['revoke', [], 'ID is revoked'],
    ['revoke', ['--principal', 'alice'], 'The keys are revoked'],
    ['rotate', [], 'ID is replaced'],
    ['remove', [], 'ID is no longer'],
  ])('is told what is done, and how to announce it: keys %s %j', async (command, args, done) => {
    const { id } = await create()
    const line = [command, ...(args.length === 0 ? [id] : args)]
    const result = await outlastStore(10_000, (url) => keys(configFor(url), line))
    const again = `with-auth revoke --config ${pathOf('run.yaml')} --all`
    const state = `${done.replace('ID', id)} in ${pathOf('keys.yaml')}`
    expect(result.noted).toContain(`${start} ${state}. To announce it again, run "${again}"\n`)
    expect(result.code).toBe(1)
    expect(await listKeys(pathOf('keys.yaml'))).not.toMatchObject([{ id, status: 'active' }])
    const repeated = await outlastStore(10_000, (url) => {
      configFor(url)
      return runLine(again.split(' ').slice(1), COMMANDS)
    })
    expect(repeated.noted).toBe(`${start} Try again\n`)
  })

  it('has --timeout-ms for it', async () => {
    const { noted } = await outlastStore(300, (url) =>
      revoke(['--config', configFor(url), '--all', '--timeout-ms=300']),
    )
    expect(noted).toBe(`${start.replace('timeout', 'no answer in time')} Try again\n`)
  })
})

describe.skipIf(engineName === undefined)('a running instance', { tags: ['database'] }, () => {
  let engine: RunningEngine
  beforeAll(async () => {
    engine = await startEngine(engineName ?? 'valkey')
  })
  afterEach(stopGuards)
  afterAll(stopEngines)

  const config = (): string => configFor(engine.url)
  /** A guard that asks an endpoint over the keys, and has cached the allow of a key. */
  const connect = async (key: string): Promise<ConnectedGuard> => {
    const endpoint = createKeyEndpoint({ file: pathOf('keys.yaml') })
    const guard = await connectLiveGuard(
      async (token) => ({ outcome: (await endpoint(ask(token))).ok ? 'allow' : 'deny' }),
      { url: engine.url },
    )
    await guard.ask(key)
    expect(await guard.ask(key)).toMatchObject({ outcome: 'allow', cache: 'hit' })
    return guard
  }
  const untilAsked = (guard: ConnectedGuard, token: string): Promise<unknown> =>
    vi.waitFor(async () => expect(await guard.ask(token)).toMatchObject({ attempts: 1 }), 10_000)

  it.each([
    ['revoke ID', ({ id }: CreatedKey) => ['revoke', id], / is revoked\n$/],
    ['revoke -', () => ['revoke', '-'], / is revoked\n$/],
    ['revoke --principal', () => ['revoke', '--principal', 'alice', '--json'], /^$/],
    [
      'rotate --overlap 0',
      ({ id }: CreatedKey) => ['rotate', id, '--overlap', '0'],
      / has ended\n$/,
    ],
    ['remove', ({ id }: CreatedKey) => ['remove', id], / is removed; it worked until now\n$/],
  ])('rejects the old key after keys %s', async (_command, argsFor, end) => {
    const created = await create()
    const guard = await connect(created.key)
    const { code, noted, printed } = await keys(config(), argsFor(created), created.key)
    expect(code).toBe(0)
    expect(noted).toMatch(end)
    expect(printed + noted).not.toMatch(/[\da-f]{64}/)
    await untilAsked(guard, created.key)
    expect(await guard.ask(created.key)).toMatchObject({ outcome: 'deny' })
  })

  it('ends the cached allow of a verifier of keys in a database', async () => {
    const { id, key } = await create()
    const find: KeyStore['find'] = (sha256) => repositoryOf(pathOf('keys.yaml')).read().find(sha256)
    const store = redisStore({ url: engine.url, scope: 'keys' })
    onTestFinished(() => store.stop())
    const cache = memoryCache({ allowTtlMs: 60_000, store })
    const guard = guardWith(keysVerifier({ store: { find } }), { cache })
    await vi.waitFor(async () => expect((await guard.ask(key)).cache).toBe('hit'), 10_000)
    expect((await keys(config(), ['revoke', id])).code).toBe(0)
    const isRevoked = async () => expect(await guard.ask(key)).toMatchObject({ detail: 'revoked' })
    await vi.waitFor(isRevoked, 10_000)
  })

  it('asks about a rotated key again, and learns its new end', async () => {
    const { id, key } = await create()
    const guard = await connect(key)
    expect((await keys(config(), ['rotate', id])).code).toBe(0)
    await untilAsked(guard, key)
    expect(await guard.ask(key)).toMatchObject({ outcome: 'allow', cache: 'hit' })
  })

  it('keeps its decisions without --config', async () => {
    const { id, key } = await create()
    const guard = await connect(key)
    await runLine(['keys', 'revoke', id, '--keys', pathOf('keys.yaml')], COMMANDS)
    // This revocation comes after what the command could have sent.
    await guard.invalidate('another-token')
    expect(await guard.ask(key)).toMatchObject({ outcome: 'allow', cache: 'hit' })
  })

  const retired = (sha256: string): RetiredKey => ({
    id: 'key_1',
    status: 'revoked',
    principal: 'alice',
    attributes: {},
    sha256,
  })
  it.each([
    ['more keys than the store takes one by one', Array(1025).fill(retired('0'.repeat(64)))],
    ['a removed row without a valid hash', [retired('')]],
  ])('drops all decisions for %s', async (_what, ended: RetiredKey[]) => {
    const { key } = await create()
    const guard = await connect(key)
    const line = readCommandLine(['--config', config()], ANNOUNCE_OPTION)
    const announce = await prepareAnnouncement(line)
    await expect(announce(ended, 'done')).resolves.toBeUndefined()
    await untilAsked(guard, key)
  })

  it('keeps its decisions about other keys if the store takes the ended ones one by one', async () => {
    const { key } = await create()
    const guard = await connect(key)
    const line = readCommandLine(['--config', config()], ANNOUNCE_OPTION)
    const announce = await prepareAnnouncement(line)
    await announce(Array<RetiredKey>(1024).fill(retired('0'.repeat(64))), 'done')
    await guard.invalidate('another-token')
    expect(await guard.ask(key)).toMatchObject({ outcome: 'allow', cache: 'hit' })
  })

  it('is told why the engine refuses with-auth revoke', async () => {
    const client = await createClient({ url: engine.url }).connect()
    await client.sendCommand(['ACL', 'SETUSER', 'default', 'resetpass', '>right', 'on'])
    const refused = await revoke(['--config', config(), '--timeout-ms=1000'], KEY)
    await client.sendCommand(['ACL', 'SETUSER', 'default', 'nopass'])
    client.destroy()
    expect(refused).toMatchObject({
      code: 1,
      noted: expect.stringMatching(
        /\(NOAUTH\)\. The store cannot be used: .*"url"\. Try again/,
      ) as unknown,
    })
  })

  it('is told the newest reason', { tags: ['slow'] }, async () => {
    const own = await startEngine(engineName ?? 'valkey')
    own.pause()
    const revoking = revoke(['--config', configFor(own.url), '--timeout-ms=6000'], KEY)
    // The store counts as lost by then, because nothing answers.
    await pause(2000)
    await own.kill()
    expect(await revoking).toMatchObject({
      code: 1,
      noted: expect.stringContaining('(ECONNREFUSED). Try again') as unknown,
    })
  })

  it.each([
    ['the key on standard input', [], ` ${KEY}\n`],
    ['its hash', ['--sha256', createHash('sha256').update(KEY).digest('hex')], ''],
    ['--all', ['--all', '--json'], ''],
  ])('ends the decisions of a running instance by %s', async (_by, args, input) => {
    let verdict: Verdict = { outcome: 'allow' }
    const guard = await connectLiveGuard(() => verdict, { url: engine.url })
    expect(await guard.ask(KEY)).toMatchObject({ outcome: 'allow' })
    verdict = { outcome: 'deny' }
    const { code, printed } = await revoke(['--config', config(), ...args], input)
    expect(code).toBe(0)
    expect(printed).toBe(
      args.includes('--json') ? '{"revoked":true}\n' : 'The store has the revocation.\n',
    )
    await until(async () => (await guard.ask(KEY)).outcome === 'deny')
  })
})
