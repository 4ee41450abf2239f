import { writeFileSync } from 'node:fs'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { PartitionedCache } from '../../src/core/seams.ts'
import { createAuthenticator } from '../../src/index.ts'
import { loadConfig, parseConfig, watchConfig } from '../../src/yaml.ts'
import { findFreePort } from '../support/loopback.ts'
import { untilRead, usePolling } from './polling.ts'
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

function storeOf({
  cache,
}: {
  cache?: AuthConfig['cache'] | undefined
}): DecisionStore | undefined {
  return cache instanceof PartitionedCache ? cache.store : undefined
}

function spyOnStop(cache: AuthConfig['cache']) {
  const store = storeOf({ cache })
  if (store === undefined) throw new Error('no store')
  return vi.spyOn(store, 'stop')
}

/** Watches a file, by the fake clock. */
async function watch(text: string, observers: object = {}) {
  const changes: AuthConfig[] = []
  const onChange = (config: AuthConfig): void => void changes.push(config)
  const options = { intervalMs: 10, onChange, onError: () => undefined, ...observers }
  usePolling()
  watched = await watchConfig(write(text), options)
  const change = async (next: string): Promise<void> => {
    write(next)
    await untilRead()
  }
  return { first: watched.config, change, changes }
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
    const { change, first, changes } = await watch(yaml('{ url: redis://h, prefix: "a:" }'))
    const stopped = spyOnStop(first.cache)
    // The same in another order.
    await change(`${yaml('{ prefix: "a:", url: redis://h }')}    timeout_ms: 900\n`)
    expect(changes[0]?.cache).toBe(first.cache)
    expect(stopped).not.toHaveBeenCalled()
    await change(yaml('{ url: redis://other }'))
    expect(changes).toHaveLength(2)
    expect(storeOf(changes[1] ?? {})).toBeDefined()
    expect(changes[1]?.cache).not.toBe(first.cache)
    expect(watched?.config.cache).toBe(changes[1]?.cache)
    expect(stopped).toHaveBeenCalledOnce()
  })

  it.each([
    ['a shorter time', '{ allow_ttl_ms: 300000 }', { allowTtlMs: 300_000 }],
    ['no more stale decisions', '{ allow_ttl_ms: 600000 }', { staleIfErrorMs: 0 }],
  ])('ends a cache that gets only %s', async (_, section, bounds) => {
    const before = '{ allow_ttl_ms: 600000, stale_if_error_ms: 60000 }'
    const { change, changes } = await watch(yaml('', before, false))
    await change(yaml('', section, false))
    const [{ cache } = {}] = changes
    expect(cache && cache.describe()).toMatchObject(bounds)
  })

  it('is stopped once, when the promises of two changes have settled', async () => {
    const settles: (() => void)[] = []
    const onChange = () => new Promise<void>((resolve) => void settles.push(resolve))
    const { change, first } = await watch(yaml('{ url: redis://h }'), { onChange })
    const stopped = spyOnStop(first.cache)
    await change(yaml('{ url: redis://other }'))
    const stoppedLater = spyOnStop(watched?.config.cache)
    await change(yaml('{ url: redis://third }'))
    expect(stopped).not.toHaveBeenCalled()
    for (const settle of settles) settle()
    await expect.poll(() => stoppedLater).toHaveBeenCalledOnce()
    expect(stopped).toHaveBeenCalledOnce()
  })

  it('is stopped by the next config that onChange takes, after two that it did not', async () => {
    const onChange = vi.fn().mockImplementation(() => undefined)
    for (let times = 0; times < 2; times += 1) {
      onChange.mockImplementationOnce(() => {
        throw new Error('not taken')
      })
    }
    const { change, first } = await watch(yaml('{ url: redis://h }'), { onChange })
    const stops = [spyOnStop(first.cache)]
    for (const name of ['other', 'third']) {
      await change(yaml(`{ url: redis://${name} }`))
      for (const stop of stops) expect(stop).not.toHaveBeenCalled()
      stops.push(spyOnStop(watched?.config.cache))
    }
    for (const name of ['fourth', 'fifth']) {
      await change(yaml(`{ url: redis://${name} }`))
      for (const stop of stops) expect(stop).toHaveBeenCalledOnce()
    }
  })

  it.each([
    ['a wrong option', '{ url: redis://h, revocation_ms: 1 }'],
    ['a wrong option beside the cache', '{ url: redis://h, lost_push_ttl_ms: 700000 }'],
  ])('recovers from %s with the same cache, whatever onError does', async (_, section) => {
    const onRecover = vi.fn()
    const onError = vi.fn(() => {
      throw new Error('The caller must not see this')
    })
    const { change, first, changes } = await watch(yaml('{ url: redis://h }'), {
      onError,
      onRecover,
    })
    await change(yaml(section))
    expect(onError).toHaveBeenCalledOnce()
    await change(yaml('{ url: redis://h }'))
    expect(onRecover).toHaveBeenCalledOnce()
    expect(changes).toEqual([])
    await change(`${yaml('{ url: redis://h }')}    timeout_ms: 900\n`)
    expect(changes.map(({ cache }) => cache === first.cache)).toEqual([true])
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
