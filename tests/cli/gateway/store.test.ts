/** @module-tag slow */
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createClient } from '@redis/client'
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { ensureBuilt } from '../../support/built-package.ts'
import { ROOT } from '../../support/project.ts'
import { ENGINES, startEngine, stopEngines } from '../../support/redis-servers.ts'
import { spawnProgram } from '../../support/spawned-program.ts'
import { call, KEY, setupGateway } from '../support/running-gateway.ts'
import type { RunningEngine } from '../../support/redis-servers.ts'
import type { SpawnedProgram } from '../../support/spawned-program.ts'

/** The program `with-auth gateway` with a store in its run.yaml. */

const PROGRAM = join(ROOT, 'dist/cli.js')
const SHA256 = createHash('sha256').update(KEY).digest('hex')

describe.each(ENGINES)('the gateway with a store in %s', (name) => {
  const { inFolder, endpoint, upstreamUrl } = setupGateway((_, response) => response.end('hello'))
  let programs: SpawnedProgram[] = []
  beforeAll(ensureBuilt, 60_000)
  afterEach(async () => {
    for (const { kill } of programs) kill('SIGKILL')
    await Promise.all(programs.map(({ ended }) => ended))
    programs = []
    await stopEngines()
  })

  const run = (...args: readonly string[]): SpawnedProgram => {
    const config = ['--config', inFolder('run.yaml')]
    const program = spawnProgram(process.execPath, [PROGRAM, ...args, ...config], {
      cwd: inFolder('.'),
    })
    programs.push(program)
    return program
  }
  const configure = (engine?: RunningEngine): void => {
    const auth = {
      endpoint: endpoint().url,
      context: { headers: [] },
      cache: { allow_ttl_ms: 600_000 },
      ...(engine && { store: { url: engine.url } }),
    }
    writeFileSync(inFolder('run.yaml'), JSON.stringify({ server: { auth } }))
  }
  /** Starts the gateway, and lets it cache an allow. */
  const start = async (
    ...args: readonly string[]
  ): Promise<SpawnedProgram & { readonly url: string }> => {
    const gateway = run('gateway', '--upstream', upstreamUrl(), '--port', '0', ...args)
    const [, url = ''] = await gateway.printed(/"type":"listening","url":"([^"]+)"/)
    await call(url, KEY)
    await untilStates(gateway, /live/)
    await untilCached(url)
    return { ...gateway, url }
  }
  /** Waits until the log has these states of the store in this order. */
  const untilStates = ({ stdout }: SpawnedProgram, states: RegExp): Promise<void> =>
    vi.waitFor(() => {
      const events = [...stdout().matchAll(/"type":"store","state":"(\w+)"/g)]
      expect(events.map(([, state]) => state).join(' ')).toMatch(states)
    }, 15_000)
  const untilCached = (url: string): Promise<void> =>
    vi.waitFor(async () => {
      const { asked } = endpoint()
      const before = asked.length
      expect((await call(url, KEY)).status).toBe(200)
      expect(asked).toHaveLength(before)
    }, 15_000)
  const revoke = async (url: string): Promise<void> => {
    endpoint().revoke(KEY)
    const command = run('revoke', '--sha256', SHA256)
    expect(await command.ended).toBe(0)
    await vi.waitFor(async () => expect((await call(url, KEY)).status).toBe(401), 15_000)
  }

  it('rejects a key after with-auth revoke, and ends after SIGTERM', async () => {
    configure(await startEngine(name))
    const gateway = await start()
    expect(gateway.stderr()).toContain(
      'a revoked key works for at most 1 s for new requests; 600 s if nobody announces it',
    )
    await revoke(gateway.url)
    gateway.kill('SIGTERM')
    expect(await gateway.ended).toBe(0)
  })

  it('logs that the store is lost and live again, and serves meanwhile', async () => {
    const engine = await startEngine(name)
    configure(engine)
    const gateway = await start()
    await engine.kill()
    await untilStates(gateway, /live.* lost/)
    expect((await call(gateway.url, KEY)).status).toBe(200)
    await startEngine(name, engine)
    await untilStates(gateway, /live.* lost.* live/)
    await untilCached(gateway.url)
    await revoke(gateway.url)
  })

  it('is no longer without its store once the file has none', async () => {
    const engine = await startEngine(name)
    configure(engine)
    const gateway = await start('--metrics', '127.0.0.1:0')
    const [, metrics = ''] = await gateway.printed(/"type":"metrics","url":"([^"]+)"/)
    const up = async (): Promise<string | undefined> =>
      /^with_auth_store_up (\d)$/m.exec(await (await fetch(metrics)).text())?.[1]
    await engine.kill()
    await vi.waitFor(async () => expect(await up()).toBe('0'), 15_000)
    configure()
    await vi.waitFor(async () => expect(await up()).toBe('1'), 15_000)
  })

  it('changes to another store with its file, and leaves the first', async () => {
    const [first, second] = [await startEngine(name), await startEngine(name)]
    configure(first)
    const gateway = await start()
    configure(second)
    const client = await createClient({ url: first.url }).connect()
    await vi.waitFor(async () => expect(await client.clientList()).toHaveLength(1), 15_000)
    client.destroy()
    // The next request connects to the second store.
    await call(gateway.url, KEY)
    await untilStates(gateway, /live.* live/)
    await untilCached(gateway.url)
    await revoke(gateway.url)
    gateway.kill('SIGTERM')
    expect(await gateway.ended).toBe(0)
  })
})
