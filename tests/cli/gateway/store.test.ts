/**
 * @module-tag slow
 * @module-tag reload
 */
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { createClient } from '@redis/client'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { revokeCommand } from '../../../src/cli/commands/revoke.ts'
import { ENGINES, startEngine, stopEngines } from '../../support/redis-servers.ts'
import { runLine } from '../../support/surroundings.ts'
import { call, KEY, setupGateway } from '../support/running-gateway.ts'
import type { RunningEngine } from '../../support/redis-servers.ts'

const SHA256 = createHash('sha256').update(KEY).digest('hex')
const until = (check: () => unknown): Promise<unknown> => vi.waitFor(check, 15_000)

describe.each(ENGINES)('the gateway with a store in %s', (name) => {
  const gateway = setupGateway((_, response) => response.end('hello'))
  const file = (): string => gateway.inFolder('run.yaml')
  afterEach(stopEngines)

  const configure = (engine?: RunningEngine): void => {
    const auth = {
      endpoint: gateway.endpoint().url,
      context: { headers: [] },
      cache: { allow_ttl_ms: 600_000 },
      ...(engine && { store: { url: engine.url } }),
    }
    writeFileSync(file(), JSON.stringify({ server: { auth } }))
  }
  const untilCached = (url: string): Promise<unknown> =>
    until(async () => {
      const { asked } = gateway.endpoint()
      const before = asked.length
      expect((await call(url, KEY)).status).toBe(200)
      expect(asked).toHaveLength(before)
    })
  /** Starts the gateway, and lets it cache an allow. */
  const start = async (...args: readonly string[]) => {
    const started = gateway.start(['--config', file(), ...args])
    const url = await started.listening()
    /** Waits until the log has these states of the store in this order. */
    const untilStates = (pattern: RegExp): Promise<unknown> =>
      until(() => {
        const states = started.logged('store').map(({ state }) => state)
        expect(states.join(' ')).toMatch(pattern)
      })
    await call(url, KEY)
    await untilStates(/live/)
    await untilCached(url)
    return { ...started, url, untilStates }
  }
  /** The clients of a store: the one that asks, and others. */
  const clientsOf = async (engine: RunningEngine): Promise<readonly unknown[]> => {
    const client = await createClient({ url: engine.url }).connect()
    const clients = await client.clientList()
    client.destroy()
    return clients
  }
  const revoke = async (url: string): Promise<void> => {
    gateway.endpoint().revoke(KEY)
    const line = ['revoke', '--config', file(), '--sha256', SHA256]
    expect((await runLine(line, [revokeCommand])).code).toBe(0)
    await until(async () => expect((await call(url, KEY)).status).toBe(401))
  }

  it('logs that the store is lost and live again, serves meanwhile, and rejects a revoked key', async () => {
    const engine = await startEngine(name)
    configure(engine)
    const { url, untilStates } = await start()
    await engine.kill()
    await untilStates(/live.* lost/)
    expect((await call(url, KEY)).status).toBe(200)
    await startEngine(name, engine)
    await untilStates(/live.* lost.* live/)
    await untilCached(url)
    await revoke(url)
  })

  it('is no longer without its store once the file has none', async () => {
    const engine = await startEngine(name)
    configure(engine)
    const { logged } = await start('--metrics=127.0.0.1:0')
    const metrics = String(logged('metrics')[0]?.['url'])
    const up = async (): Promise<string | undefined> =>
      /^with_auth_store_up (\d)$/m.exec(await (await fetch(metrics)).text())?.[1]
    await engine.kill()
    await until(async () => expect(await up()).toBe('0'))
    configure()
    await until(async () => expect(await up()).toBe('1'))
  })

  it('changes to another store with its file, leaves the first, and at its end the second', async () => {
    const [first, second] = [await startEngine(name), await startEngine(name)]
    configure(first)
    const { url, untilStates, signal } = await start()
    configure(second)
    await until(async () => expect(await clientsOf(first)).toHaveLength(1))
    // The next request connects to the second store.
    await call(url, KEY)
    await untilStates(/live.* live/)
    await untilCached(url)
    await revoke(url)
    signal('SIGTERM')
    await until(async () => expect(await clientsOf(second)).toHaveLength(1))
  })
})
