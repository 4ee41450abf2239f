import { createRequire } from 'node:module'
import process from 'node:process'
import { afterEach, describe, expect, it } from 'vitest'
import { equipLike, equipWithTransport } from '../../src/cli/config-of.ts'
import type { AuthConfig } from '../../src/index.ts'

const CONFIG: AuthConfig = { endpoint: 'https://auth.example.com/validate', timeoutMs: 900 }
const { versions, execArgv } = process
const require = createRequire(import.meta.url)

function stub(name: 'versions' | 'execArgv', value: unknown): void {
  Object.defineProperty(process, name, { value, configurable: true, enumerable: true })
}
afterEach(() => {
  stub('versions', versions)
  stub('execArgv', execArgv)
})

describe('what asks the endpoint of the command', () => {
  it('is undici where it is installed, and nothing else of the config changes', async () => {
    const { config, asksOver } = await equipWithTransport(CONFIG, { env: {} })
    expect(asksOver).toBe('undici')
    expect(config).toEqual({ ...CONFIG, fetch: expect.any(Function) })
    expect(CONFIG).not.toHaveProperty('fetch')
  })

  it('asks by another config over the same connections', async () => {
    const equipped = await equipWithTransport(CONFIG, { env: {} })
    const next = equipLike(equipped, { ...CONFIG, timeoutMs: 800 })
    expect(next).toEqual({ ...equipped, config: { ...equipped.config, timeoutMs: 800 } })
    expect(next.config.fetch).toBe(equipped.config.fetch)
    const byFetch = await equipWithTransport(CONFIG, { env: { NODE_USE_ENV_PROXY: '1' } })
    expect(equipLike(byFetch, CONFIG)).toEqual({ config: CONFIG, asksOver: 'fetch' })
  })

  it.each<[string, AuthConfig]>([
    ['fetch', { ...CONFIG, fetch: () => Promise.resolve(new Response()) }],
    ['verifier', { verifier: () => ({ outcome: 'deny' }) }],
  ])('is what the config says with %s', async (_option, given) => {
    const equipped = await equipWithTransport(given, { env: {} })
    expect(equipped.config).toBe(given)
    expect(equipped.asksOver).toBeUndefined()
  })

  it('is fetch beside an undici that is too old, and says why', async () => {
    const file = require.resolve('undici/package.json')
    const original = require.cache[file]
    require.cache[file] = { exports: { version: '7.27.2' }, loaded: true } as NodeJS.Module
    const equipped = await equipWithTransport(CONFIG, { env: {} })
    if (original === undefined) delete require.cache[file]
    else require.cache[file] = original
    expect(equipped).toEqual({
      config: CONFIG,
      asksOver: 'fetch',
      whyFetch: expect.stringContaining('found 7.27.2: npm install undici@7') as unknown,
    })
  })

  it.each([{ bun: '1.4.5' }, { deno: '2.9.6' }])('is fetch on %j', async (runtime) => {
    stub('versions', { ...versions, ...runtime })
    const equipped = await equipWithTransport(CONFIG, { env: {} })
    expect(equipped).toEqual({ config: CONFIG, asksOver: 'fetch' })
  })

  it.each([
    ['NODE_USE_ENV_PROXY=1', { NODE_USE_ENV_PROXY: '1' }, []],
    ['NODE_OPTIONS', { NODE_OPTIONS: '--no-warnings --use-env-proxy' }, []],
    ['an argument of Node', {}, ['--use-env-proxy']],
  ])('is fetch where %s has it take the proxy of the environment', async (_by, env, args) => {
    stub('execArgv', args)
    const equipped = await equipWithTransport(CONFIG, { env })
    expect(equipped).toEqual({ config: CONFIG, asksOver: 'fetch' })
  })

  it('is undici where a proxy is named that Node does not take', async () => {
    const env = { NODE_USE_ENV_PROXY: '0', HTTPS_PROXY: 'http://127.0.0.1:1', NODE_OPTIONS: '' }
    expect((await equipWithTransport(CONFIG, { env })).asksOver).toBe('undici')
  })
})
