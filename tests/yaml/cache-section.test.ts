import { writeFileSync } from 'node:fs'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { PartitionedCache } from '../../src/core/seams.ts'
import { createAuthenticator } from '../../src/index.ts'
import { loadConfig, parseConfig, watchConfig } from '../../src/yaml.ts'
import { findFreePort } from '../support/loopback.ts'
import { SELF_SIGNED } from '../support/self-signed-certificate.ts'
import { setupFolder } from '../support/temporary-folder.ts'
import type { AuthConfig, DecisionStore } from '../../src/index.ts'
import type { WatchedConfig } from '../../src/yaml.ts'

/** `server.auth.cache` and `server.auth.store` of a run.yaml. */

const SECRET = 'hunter2 hunter2 hunter2 hunter2 hunter2'
const pathOf = setupFolder()
let watched: WatchedConfig | undefined
afterEach(() => {
  watched?.close()
  watched = undefined
})

const yaml = (store: string, cache = '{ allow_ttl_ms: 600000 }', hasStore = true): string => `
server:
  auth:
    endpoint: https://auth.example.com/validate
    context: { headers: [] }
    cache: ${cache}
${hasStore ? `    store: ${store}` : ''}
`

function write(text: string): string {
  const file = pathOf('run.yaml')
  writeFileSync(file, text)
  return file
}

/** A file with a certificate, and one that has none. */
function writePem(): { readonly good: string; readonly bad: string } {
  const [good, bad] = [pathOf('ca.pem'), pathOf('bad.pem')]
  writeFileSync(good, SELF_SIGNED.cert)
  writeFileSync(bad, 'hunter2')
  return { good, bad }
}

function storeOf({ cache }: AuthConfig): DecisionStore | undefined {
  return cache instanceof PartitionedCache ? cache.store : undefined
}

function spyOnStop(store: DecisionStore | undefined) {
  if (store === undefined) throw new Error('no store')
  return vi.spyOn(store, 'stop')
}

async function errorOf(text: string): Promise<string> {
  return loadConfig(write(text)).then(
    () => '',
    (error: unknown) => String(error),
  )
}

describe('server.auth.cache and server.auth.store', () => {
  it('makes a store', async () => {
    const section = `{ url: "redis://u:hunter2@h", secret: [${SECRET}], share_verdicts: true, revocation_ms: 500, lost_push_ttl_ms: 30000, prefix: "p:", timeout_ms: 20, scope: s }`
    const store = storeOf(await loadConfig(write(yaml(section))))
    expect(store).toMatchObject({
      revocationMs: 500,
      lostPushTtlMs: 30_000,
      shared: { scope: 's' },
    })
  })

  it('makes a store of certificates in files, a secret of digits, and values of the environment', async () => {
    const { good } = writePem()
    const section = `{ url: rediss://h, tls: { ca_file: ${good} }, secret: ${'0123456789'.repeat(4)}, share_verdicts: "\${env.NO:=true}", prefix: 12 }`
    const store = storeOf(await loadConfig(write(yaml(section)), { env: {} }))
    expect(store).toMatchObject({ shared: {} })
  })

  it('shares no verdicts of a provider whose verifier has no id', async () => {
    const text = [
      'server:',
      '  auth:',
      '    provider_config: { type: upstream_header, principal_header: x-user, trusted_network: true }',
      '    cache: {}',
      `    store: { url: rediss://h, share_verdicts: true, secret: ${SECRET}, scope: s }`,
    ].join('\n')
    expect(await errorOf(text)).toContain(
      ':5:47: "server.auth.store.share_verdicts" must be false, since the verifier has no id: by an id instances know whose verdicts they share',
    )
  })

  it('is refused by parseConfig, which opens no connection', () => {
    expect(() => parseConfig(yaml('{ url: redis://h }'))).toThrow(
      /"server.auth.store" must be left out for parseConfig, which opens no connection: use loadConfig\n/,
    )
  })

  it.each([
    [
      '{ url: "http://h/hunter2" }',
      /"server.auth.store.url" must be a URL .*\(its value is not shown\)/,
    ],
    [
      '{ url: redis://h, lost_push_ttl_ms: 700000 }',
      /"lost_push_ttl_ms" of at most "cache.allow_ttl_ms"/,
    ],
    [
      '{ url: redis://h, share_verdicts: true, secret: hunter2 }',
      /store.secret" must be a text of at least 32 bytes.*\(its value is not shown\)/,
    ],
    [
      '{ url: redis://h, tls: { ca_file: /no/such/file } }',
      /store.tls.ca_file" must be a file that can be read: it does not exist\n/,
    ],
    ['{ url: rediss://h, tls: { ca_file: BAD } }', /store.tls.ca_file" must be a text in PEM form/],
    ['{ url: redis://h, tls: { ca_file: GOOD } }', /store.tls" must be left out, unless "url"/],
    ['', /"server.auth.store" must be/],
    ['{ url: rediss://h, tls: yes }', /store.tls" must be an object/],
  ])('rejects %s at its place', async (section, message) => {
    const { good, bad } = writePem()
    const error = await errorOf(yaml(section.replace('GOOD', good).replace('BAD', bad)))
    expect(error).toMatch(message)
    expect(error).not.toContain('hunter2')
  })

  it('has its problems listed beside all others', async () => {
    const section = '{ url: redis://h, revocation_ms: 5 }\n    timeout_ms: 0'
    const error = await errorOf(yaml(section, '{ max_entries: 0 }'))
    expect(error).toContain('"server.auth.store.revocation_ms" must be a number of milliseconds')
    expect(error).toContain('"server.auth.cache.max_entries" must be a whole number')
    expect(error).toContain('"server.auth.timeout_ms" must be a number of milliseconds')
  })

  it('needs a cache', async () => {
    expect(await errorOf(yaml('{ url: redis://h }', 'false'))).toMatch(
      /"server.auth.store" must be left out without "cache"/,
    )
  })

  it('stays, with the cache, while both sections do', async () => {
    const file = write(yaml('{ url: redis://h }'))
    const changes: AuthConfig[] = []
    watched = await watchConfig(file, {
      intervalMs: 10,
      onChange: (config) => void changes.push(config),
      onError: () => undefined,
    })
    const { cache } = watched.config
    const stopped = spyOnStop(storeOf(watched.config))
    write(`${yaml('{ url: redis://h }')}    timeout_ms: 900\n`)
    await vi.waitFor(() => expect(changes).toHaveLength(1))
    expect(changes[0]?.cache).toBe(cache)
    expect(stopped).not.toHaveBeenCalled()
    write(yaml('{ url: redis://other }'))
    await vi.waitFor(() => expect(changes).toHaveLength(2))
    expect(storeOf(changes[1] ?? {})).toBeDefined()
    expect(changes[1]?.cache).not.toBe(cache)
    expect(watched.config.cache).toBe(changes[1]?.cache)
    expect(stopped).toHaveBeenCalledOnce()
  })

  it.each([
    ['a shorter time', '{ allow_ttl_ms: 300000 }', { allowTtlMs: 300_000 }],
    ['no more stale decisions', '{ allow_ttl_ms: 600000 }', { staleIfErrorMs: 0 }],
  ])('ends a cache that gets only %s', async (_, section, bounds) => {
    const file = write(yaml('', '{ allow_ttl_ms: 600000, stale_if_error_ms: 60000 }', false))
    const changes: AuthConfig[] = []
    watched = await watchConfig(file, {
      intervalMs: 10,
      onChange: (config) => void changes.push(config),
      onError: () => undefined,
    })
    write(yaml('', section, false))
    await vi.waitFor(() => expect(changes).toHaveLength(1))
    const [{ cache } = {}] = changes
    expect(cache && cache.describe()).toMatchObject(bounds)
  })

  it('is stopped once the promise of onChange has settled', async () => {
    const file = write(yaml('{ url: redis://h }'))
    let settle: (() => void) | undefined
    watched = await watchConfig(file, {
      intervalMs: 10,
      onChange: () => new Promise<void>((resolve) => (settle = resolve)),
      onError: () => undefined,
    })
    const stopped = spyOnStop(storeOf(watched.config))
    write(yaml('{ url: redis://other }'))
    await vi.waitFor(() => expect(settle).toBeDefined())
    expect(stopped).not.toHaveBeenCalled()
    settle?.()
    await vi.waitFor(() => expect(stopped).toHaveBeenCalledOnce())
  })

  it('is stopped by the next config that onChange takes, after two that it did not', async () => {
    const file = write(yaml('{ url: redis://h }'))
    const told: string[] = []
    watched = await watchConfig(file, {
      intervalMs: 10,
      onChange: (config) => {
        told.push('changed')
        if (told.length <= 2) throw new Error('not taken')
        return config
      },
      onError: () => undefined,
    })
    const first = spyOnStop(storeOf(watched.config))
    write(yaml('{ url: redis://other }'))
    await vi.waitFor(() => expect(told).toHaveLength(1))
    expect(first).not.toHaveBeenCalled()
    const second = spyOnStop(storeOf(watched.config))
    write(yaml('{ url: redis://third }'))
    await vi.waitFor(() => expect(told).toHaveLength(2))
    const third = spyOnStop(storeOf(watched.config))
    expect(second).not.toHaveBeenCalled()
    write(yaml('{ url: redis://fourth }'))
    await vi.waitFor(() => expect(third).toHaveBeenCalledOnce())
    expect(first).toHaveBeenCalledOnce()
    expect(second).toHaveBeenCalledOnce()
  })

  it.each([
    ['a wrong option', '{ url: redis://h, revocation_ms: 1 }'],
    ['a wrong option beside the cache', '{ url: redis://h, lost_push_ttl_ms: 700000 }'],
  ])('recovers from %s with the same cache, whatever onError does', async (_, section) => {
    const file = write(yaml('{ url: redis://h }'))
    const told: string[] = []
    watched = await watchConfig(file, {
      intervalMs: 10,
      onChange: ({ cache }) => void told.push(cache === first ? 'changed' : 'another cache'),
      onError: () => {
        told.push('error')
        throw new Error('The caller must not see this')
      },
      onRecover: () => void told.push('recovered'),
    })
    const first = watched.config.cache
    write(yaml(section))
    await vi.waitFor(() => expect(told).toEqual(['error']))
    write(yaml('{ url: redis://h }'))
    await vi.waitFor(() => expect(told).toEqual(['error', 'recovered']))
    write(`${yaml('{ url: redis://h }')}    timeout_ms: 900\n`)
    await vi.waitFor(() => expect(told).toEqual(['error', 'recovered', 'changed']))
  })

  it.each(['loadConfig', 'watchConfig'] as const)(
    'tells the `onEvent` of %s that its store is lost',
    async (name) => {
      const file = write(yaml(`{ url: "redis://127.0.0.1:${await findFreePort()}" }`))
      const events: unknown[] = []
      const guardEvents: unknown[] = []
      const onEvent = (event: unknown): void => void events.push(event)
      const watching = { onEvent, onChange: () => undefined, onError: () => undefined }
      if (name === 'watchConfig') watched = await watchConfig(file, watching)
      const config = watched?.config ?? (await loadConfig(file, { onEvent }))
      const transport = (): Promise<Response> => Promise.resolve(new Response('{}'))
      const toGuard = (event: { type: string }): void => void guardEvents.push(event.type)
      const guard = createAuthenticator({ ...config, fetch: transport, onEvent: toGuard })
      await guard(new Request('https://a.example/', { headers: { authorization: 'Bearer k1' } }))
      await vi.waitFor(() =>
        expect(events).toContainEqual(expect.objectContaining({ type: 'store', state: 'lost' })),
      )
      expect(guardEvents).toEqual(['decision'])
      if (config.cache) config.cache.stop()
    },
  )

  it.each([
    [loadConfig, { onEvent: 5 }],
    [watchConfig, { onEvent: 5, onChange: () => undefined, onError: () => undefined }],
  ])('rejects an `onEvent` that is not a function', async (read, options) => {
    const reading = read(write(yaml('{ url: redis://h }')), options as never)
    await expect(reading).rejects.toThrow('"options.onEvent" must be a function, received 5')
  })
})
