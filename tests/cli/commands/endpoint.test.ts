import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { checkCommand } from '../../../src/cli/commands/check.ts'
import { endpointCommand } from '../../../src/cli/commands/endpoint.ts'
import { examine } from '../../../src/cli/conformance/examine.ts'
import { questionAbout } from '../../../src/cli/conformance/questions.ts'
import { main } from '../../../src/cli/main.ts'
import { createKey } from '../../../src/keys.ts'
import { createSurroundings } from '../../support/surroundings.ts'

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'with-auth-endpoint-'))
})
afterAll(() => rmSync(folder, { recursive: true }))

describe('with-auth endpoint', () => {
  it('passes every check, and logs each answer', async () => {
    const file = join(folder, 'keys.yaml')
    const { key } = await createKey(file, { principal: 'alice' })
    const surroundings = createSurroundings()
    const ended = main(['endpoint', '--keys', file, '--port=0'], [endpointCommand], surroundings)
    await vi.waitFor(() => expect(surroundings.printed()).toContain('"listening"'))
    const [, url = ''] = /"url":"([^"]+)"/.exec(surroundings.printed()) ?? []
    expect(surroundings.noted()).toContain(url)

    const rows = await examine({ url: `${url}/validate`, headers: {}, timeoutMs: 5000 }, key)
    expect(rows.filter(({ result }) => result !== 'ok')).toEqual([])
    expect(surroundings.printed()).toMatch(/"type":"answer","status":200/)
    expect(surroundings.printed()).toMatch(/"type":"answer","status":401/)
    expect(surroundings.printed()).not.toContain(key)
    surroundings.signal('SIGTERM')
    expect(await ended).toBe(0)
  })

  it('requires the secret if one is set', async () => {
    const file = join(folder, 'secret.yaml')
    const { key } = await createKey(file, { principal: 'alice' })
    const secret = 'endpoint-s3cret-0123456789'
    const surroundings = createSurroundings({ WITH_AUTH_ENDPOINT_SECRET: secret })
    const line = ['endpoint', '--keys', file, '--port=0', '--max-age=7']
    const ended = main(line, [endpointCommand], surroundings)
    await vi.waitFor(() => expect(surroundings.printed()).toContain('"listening"'))
    const [, url = ''] = /"url":"([^"]+)"/.exec(surroundings.printed()) ?? []

    const run = async (env: Record<string, string>) => {
      const checking = createSurroundings({ WITH_AUTH_KEY: key, ...env })
      const code = await main(['check', url], [checkCommand], checking)
      return { code, printed: checking.printed() }
    }
    expect((await run({})).code).toBe(1)
    const checked = await run({ WITH_AUTH_ENDPOINT_SECRET: secret })
    expect(checked.code).toBe(0)
    expect(checked.printed).toContain('max-age of 7 s')
    expect(surroundings.printed() + checked.printed).not.toContain(secret)
    surroundings.signal('SIGTERM')
    expect(await ended).toBe(0)
  })

  it('logs durations and problems with the key file', async () => {
    const file = join(folder, 'breaks.yaml')
    const { key } = await createKey(file, { principal: 'alice' })
    const surroundings = createSurroundings()
    const line = ['endpoint', '--keys', file, '--port=0', '--max-age=3600', '--json']
    const ended = main(line, [endpointCommand], surroundings)
    await vi.waitFor(() => expect(surroundings.printed()).toContain('"listening"'))
    const lines = () =>
      surroundings
        .printed()
        .trim()
        .split('\n')
        .map((text) => JSON.parse(text) as Record<string, unknown>)
    const url = String(lines()[0]?.['url'])
    const ask = () => fetch(url, { method: 'POST', body: questionAbout(key) })

    const startedAt = performance.now()
    const response = await ask()
    const tookMs = performance.now() - startedAt
    expect(response.status).toBe(200)
    expect(response.headers.get('cache-control')).toContain('max-age=3600')
    writeFileSync(file, 'keys: [')
    expect((await ask()).status).toBe(500)
    surroundings.signal('SIGINT')
    expect(await ended).toBe(0)
    await expect(ask()).rejects.toThrow('fetch failed')

    expect(surroundings.noted()).toBe('')
    const durationMs: unknown = expect.any(Number)
    expect(lines()).toMatchObject([
      { type: 'listening', url },
      { type: 'answer', status: 200, durationMs },
      { type: 'keys_error', message: expect.stringContaining('breaks.yaml:1') },
      { type: 'answer', status: 500, durationMs },
    ])
    expect(lines()[1]?.['durationMs']).toBeLessThanOrEqual(tookMs)
  })

  it('needs a usable key file', async () => {
    const surroundings = createSurroundings()
    const lost = ['endpoint', '--keys', join(folder, 'lost.yaml'), '--port=0']
    expect(await main(lost, [endpointCommand], surroundings)).toBe(1)
    expect(await main(['endpoint'], [endpointCommand], surroundings)).toBe(2)
    expect(surroundings.noted()).toContain('--keys FILE is missing')
  })
})
