import { writeFileSync } from 'node:fs'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { loadConfig, parseConfig, watchConfig } from '../../src/yaml.ts'
import { SELF_SIGNED } from '../support/self-signed-certificate.ts'
import { setupFolder } from '../support/temporary-folder.ts'
import type { AuthConfig } from '../../src/index.ts'
import type { WatchedConfig } from '../../src/yaml.ts'

/** `server.auth.store` of a run.yaml. */

const SECRET = 'hunter2 hunter2 hunter2 hunter2 hunter2'
const pathOf = setupFolder()
let watched: WatchedConfig | undefined
afterEach(() => watched?.close())

const yaml = (store: string, cache = '{ allow_ttl_ms: 600000 }'): string => `
server:
  auth:
    endpoint: https://auth.example.com/validate
    context: { headers: [] }
    cache: ${cache}
    store: ${store}
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

async function errorOf(text: string): Promise<string> {
  return loadConfig(write(text)).then(
    () => '',
    (error: unknown) => String(error),
  )
}

describe('server.auth.store', () => {
  it('makes a store', async () => {
    const section = `{ url: "redis://u:hunter2@h", secret: [${SECRET}], share_verdicts: true, revocation_ms: 500, lost_push_ttl_ms: 30000, prefix: "p:", timeout_ms: 20, scope: s }`
    const { store } = await loadConfig(write(yaml(section)))
    expect(store).toMatchObject({
      revocationMs: 500,
      lostPushTtlMs: 30_000,
      shared: { scope: 's' },
    })
  })

  it('makes a store of certificates in files, a secret of digits, and values of the environment', async () => {
    const { good } = writePem()
    const section = `{ url: rediss://h, tls: { ca_file: ${good} }, secret: ${'0123456789'.repeat(4)}, share_verdicts: "\${env.NO:=true}", prefix: 12 }`
    const { store } = await loadConfig(write(yaml(section)), { env: {} })
    expect(store).toMatchObject({ shared: {} })
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
    ['{}', /"server.auth.store.url" must be a URL/],
    ['{ url: redis://h, revocation_ms: 5 }', /store.revocation_ms" must be a number .* received 5/],
    [
      '{ url: redis://h, lost_push_ttl_ms: 700000 }',
      /"lost_push_ttl_ms" of at most "cache.allow_ttl_ms"/,
    ],
    [
      '{ url: redis://h, secret: hunter2 }',
      /store.secret" must be left out without "share_verdicts"/,
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
    ['{ url: rediss://h, tls: yes }', /store.tls" must be an object/],
    ['{ url: rediss://h, tls: }', /store.tls" must be/],
    ['{ url: redis://h, ulr: x }', /Unknown option "server.auth.store.ulr": did you mean "url"\?/],
    ['redis://h', /server.auth.store/],
    ['', /"server.auth.store" must be/],
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

  it('stays the same store while the section does', async () => {
    const file = write(yaml('{ url: redis://h }'))
    const changes: AuthConfig[] = []
    watched = await watchConfig(file, {
      intervalMs: 10,
      onChange: (config) => void changes.push(config),
      onError: () => undefined,
    })
    const { store } = watched.config
    const stopped = vi.spyOn(store as { stop: () => void }, 'stop')
    write(yaml('{ url: redis://h }', '{ allow_ttl_ms: 500000 }'))
    await vi.waitFor(() => expect(changes).toHaveLength(1))
    expect(changes[0]?.store).toBe(store)
    expect(stopped).not.toHaveBeenCalled()
    write(yaml('{ url: redis://other }'))
    await vi.waitFor(() => expect(changes).toHaveLength(2))
    expect(changes[1]?.store).not.toBe(store)
    expect(watched.config.store).toBe(changes[1]?.store)
    expect(stopped).toHaveBeenCalledOnce()
  })

  it('is stopped once the promise of onChange has settled', async () => {
    const file = write(yaml('{ url: redis://h }'))
    let settle: (() => void) | undefined
    watched = await watchConfig(file, {
      intervalMs: 10,
      onChange: () => new Promise<void>((resolve) => (settle = resolve)),
      onError: () => undefined,
    })
    const stopped = vi.spyOn(watched.config.store as { stop: () => void }, 'stop')
    write(yaml('{ url: redis://other }'))
    await vi.waitFor(() => expect(settle).toBeDefined())
    expect(stopped).not.toHaveBeenCalled()
    settle?.()
    await vi.waitFor(() => expect(stopped).toHaveBeenCalledOnce())
  })

  it.each([
    ['a wrong option', '{ url: redis://h, revocation_ms: 1 }'],
    ['a wrong option beside the cache', '{ url: redis://h, lost_push_ttl_ms: 700000 }'],
  ])('recovers from %s with the same store, whatever onError does', async (_, section) => {
    const file = write(yaml('{ url: redis://h }'))
    const told: string[] = []
    watched = await watchConfig(file, {
      intervalMs: 10,
      onChange: ({ store }) => void told.push(store === first ? 'changed' : 'another store'),
      onError: () => {
        told.push('error')
        throw new Error('The caller must not see this')
      },
      onRecover: () => void told.push('recovered'),
    })
    const first = watched.config.store
    write(yaml(section))
    await vi.waitFor(() => expect(told).toEqual(['error']))
    write(yaml('{ url: redis://h }'))
    await vi.waitFor(() => expect(told).toEqual(['error', 'recovered']))
    write(yaml('{ url: redis://h }', '{ allow_ttl_ms: 500000 }'))
    await vi.waitFor(() => expect(told).toEqual(['error', 'recovered', 'changed']))
  })

  it('tells onError of a section that becomes wrong, and keeps the last config', async () => {
    const file = write(yaml('{ url: redis://h }'))
    const errors: unknown[] = []
    watched = await watchConfig(file, {
      intervalMs: 10,
      onChange: () => undefined,
      onError: (error) => void errors.push(error),
    })
    const { config } = watched
    write(yaml('{ url: redis://h, revocation_ms: 1 }'))
    await vi.waitFor(() => expect(String(errors[0])).toContain('store.revocation_ms'))
    expect(watched.config).toBe(config)
  })
})
