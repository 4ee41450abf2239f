/**
 * @module-tag slow
 * @module-tag reload
 */
import { execFileSync } from 'node:child_process'
import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import { describe, expect, it, vi } from 'vitest'
import { mount } from '../../support/mount.ts'
import { TOKEN } from '../../support/token.ts'
import {
  createFolder,
  endLater,
  ENOUGH,
  KEY,
  LOOK_MS,
  runYaml,
  serveHttp,
  startEndpoint,
  startGateway,
  startOpenEndpoint,
} from '../support/live-gateway.ts'
import type { IncomingMessage, ServerResponse } from 'node:http'

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
const serveStatus = (status: () => number): Promise<string> =>
  serveHttp((request, response) => {
    request.resume().on('end', () => response.writeHead(status()).end())
  })

describe.concurrent('with-auth gateway --config', () => {
  const answerLate = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { api_key: key } = (await json(request)) as { api_key: string }
    await pause(300)
    response.writeHead(key === KEY ? 200 : 401).end()
  }
  const CACHED = ['cache: { allow_ttl_ms: 600000 }', 'context: { headers: [] }']

  it('keeps cached decisions when the file changes, and drops them when `cache` changes', async () => {
    const endpoint = await startEndpoint()
    const asks = (...lines: string[]): string =>
      runYaml(`endpoint: "${endpoint.url}"`, 'context: { headers: [] }', ...lines)
    const gateway = await startGateway(asks('cache: { allow_ttl_ms: 600000 }'))
    expect(await gateway.status()).toBe(200)
    expect(await gateway.status('/open', '')).toBe(401)

    gateway.write(asks('cache: { allow_ttl_ms: 600000 }', 'public: [/open]', 'timeout_ms: 900'))
    await gateway.changed()
    expect(await gateway.status('/open', '')).toBe(200)
    expect(await gateway.status()).toBe(200)
    expect(endpoint.timesAsked(KEY)).toBe(1)

    gateway.write(asks('cache: { allow_ttl_ms: 500000 }', 'realm: models'))
    await gateway.changed(2)
    expect(await gateway.challenge()).toContain('models')
    expect(await gateway.status()).toBe(200)
    expect(endpoint.timesAsked(KEY)).toBe(2)
    expect(gateway.noted()).toMatch(
      /at most 600 s.*\n.*reloaded \(a revoked key works for at most 500 s for new requests\)\n$/,
    )
    // The first change left this bound as it was.
    expect(gateway.noted().match(/reloaded/g)).toHaveLength(1)
    expect(gateway.logged('config').map((line) => line['revokedKeyWorksForMs'])).toEqual([
      600_000, 500_000,
    ])
  })

  it('drops the cached decisions of another endpoint', async () => {
    const [first, second] = [await startEndpoint(), await startEndpoint('sk-other')]
    const gateway = await startGateway(runYaml(`endpoint: "${first.url}"`, ...CACHED))
    expect(await gateway.status()).toBe(200)
    gateway.write(runYaml(`endpoint: "${second.url}"`, ...CACHED))
    await gateway.changed()
    expect(await gateway.status()).toBe(401)
    expect(await gateway.status('/', 'sk-other')).toBe(200)
    expect(second.asked[0]).toMatch(/^random_/)
    expect(gateway.noted()).not.toContain('random key')
  })

  it('tells programs of a store in its log alone', async () => {
    const lines = [`endpoint: "${(await startEndpoint()).url}"`, ...CACHED]
    const gateway = await startGateway(runYaml(...lines), ['--json'])
    const before = gateway.noted()
    gateway.write(runYaml(...lines, 'store: { url: "redis://127.0.0.1:1" }'))
    await gateway.changed()
    gateway.write(runYaml(...lines))
    await gateway.changed(2)
    expect(gateway.logged('config').map(({ hasStore }) => hasStore)).toEqual([true, false])
    expect(gateway.noted()).toBe(before)
  })

  it('never admits a random key while it switches to an endpoint that allows every key', async () => {
    const [endpoint, open] = [await startEndpoint(), await startOpenEndpoint(300)]
    const gateway = await startGateway(runYaml(`endpoint: "${endpoint.url}"`, ...CACHED))
    const statuses = new Set<number>()
    const during = { isDone: false }
    const attack = async (name: string): Promise<void> => {
      for (let index = 0; !during.isDone; index += 1) {
        statuses.add(await gateway.status('/made-up', `made-up-${name}-${index}`))
      }
    }
    const attacks = ['a', 'b', 'c', 'd'].map(attack)
    gateway.write(runYaml(`endpoint: "${open}"`, ...CACHED))
    await gateway.changed()
    const refused = await gateway.call()
    expect(refused.status).toBe(503)
    expect(await refused.json()).toMatchObject({ error: { code: 'endpoint_unproven' } })
    await pause(500)
    during.isDone = true
    await Promise.all(attacks)
    expect([...statuses].filter((status) => ![401, 503].includes(status))).toEqual([])
    expect(statuses).toContain(503)
    expect(gateway.reached).not.toContain('/made-up')
    expect(gateway.logged('endpoint').map(({ state }) => state)).toEqual(['proven', 'open'])
    expect(gateway.noted()).toContain(
      'with-auth: Every request is rejected for now: the auth endpoint allowed a random key. Is its URL a health check or a web page? Run "with-auth check URL"\n',
    )
  })

  it('drops the cached decisions of an endpoint that allowed every key', async () => {
    let status = 200
    const endpoint = await serveStatus(() => status)
    const text = (mode: string): string =>
      runYaml(`endpoint: "${endpoint}"`, `mode: ${mode}`, ...CACHED)
    const gateway = await startGateway(text('shadow'))
    expect(await gateway.status('/', 'made-up')).toBe(200)
    status = 401
    await vi.waitFor(
      () => expect(gateway.logged('endpoint').at(-1)?.['state']).toBe('proven'),
      ENOUGH,
    )
    gateway.write(text('enforce'))
    await gateway.changed()
    expect(await gateway.status('/', 'made-up')).toBe(401)
  })

  it('notes that an endpoint which was down at the start allows every key', async () => {
    let status = 503
    const endpoint = await serveStatus(() => status)
    const gateway = await startGateway(runYaml(`endpoint: "${endpoint}"`))
    status = 200
    await vi.waitFor(() => expect(gateway.noted()).toContain('allowed a random key'), ENOUGH)
  })

  it('closes a path without waiting for a hanging endpoint, and applies only the latest change', async () => {
    let hangs = false
    const endpoint = await serveHttp((request, response) => {
      request.resume().on('end', () => hangs || response.writeHead(401).end())
    })
    const silent = await serveHttp(() => undefined)
    const skipped = vi.fn()
    const text = (url: string, ...lines: readonly string[]): string =>
      runYaml(`endpoint: "${url}"`, 'timeout_ms: 60000', ...lines)
    const gateway = await startGateway(text(endpoint, 'public: [/open]'))
    hangs = true
    expect(await gateway.status('/open', '')).toBe(200)
    gateway.write(text(endpoint))
    await gateway.changed()
    expect(await gateway.status('/open', '')).toBe(401)

    gateway.write(text(silent, 'public: [/open]'))
    await gateway.changed(2)
    expect(await gateway.status('/open', '')).toBe(503)
    // The file changes again while the gateway waits for another silent endpoint.
    gateway.write(text(await serveHttp(skipped), 'public: [/skipped]'))
    await vi.waitFor(() => expect(skipped).toHaveBeenCalled(), ENOUGH)
    hangs = false
    gateway.write(text(endpoint, 'public: [/open]'))
    await vi.waitFor(async () => expect(await gateway.status('/open', '')).toBe(200), ENOUGH)
    await pause(2500)
    expect(await gateway.status('/open', '')).toBe(200)
    expect(gateway.logged('config')).toHaveLength(3)
  })

  it('rejects no request while it switches to an endpoint that takes a while', async () => {
    const [endpoint, slow] = [
      await startEndpoint(),
      await serveHttp((...args) => void answerLate(...args)),
    ]
    const gateway = await startGateway(runYaml(`endpoint: "${endpoint.url}"`))
    gateway.write(runYaml(`endpoint: "${slow}"`, 'realm: models'))
    const statuses = new Set<number>()
    while (gateway.logged('config').length === 0) {
      statuses.add(await gateway.status())
    }
    expect(await gateway.challenge()).toContain('models')
    expect([...statuses]).toEqual([200])
  })

  it('stays proven when the file changes during an outage of the same endpoint', async () => {
    const endpoint = await startEndpoint()
    const lines = [`endpoint: "${endpoint.url}"`, ...CACHED]
    const gateway = await startGateway(runYaml(...lines))
    expect(await gateway.status()).toBe(200)
    await endpoint.close()
    gateway.write(runYaml(...lines, 'realm: models'))
    await gateway.changed()
    expect(await gateway.status()).toBe(200)
    expect(await gateway.status('/', 'made-up')).toBe(401)
  })

  it('switches from shadow to enforce, then rejects every request if the endpoint allows every key', async () => {
    const open = await startOpenEndpoint()
    const gateway = await startGateway(runYaml(`endpoint: "${open}"`, 'mode: shadow'))
    expect(await gateway.status('/', '')).toBe(200)
    gateway.write(runYaml(`endpoint: "${open}"`))
    await gateway.changed()
    expect([await gateway.status('/', ''), await gateway.status()]).toEqual([503, 503])
    gateway.write(runYaml(`endpoint: "${open}"`, 'mode: shadow'))
    await gateway.changed(2)
    expect(await gateway.status('/', '')).toBe(200)
  })

  it('keeps the last valid configuration while the file is broken or missing, and logs each problem once', async () => {
    const endpoint = await startEndpoint()
    const lines = [`endpoint: "${endpoint.url}"`, 'endpoint_headers: { x-secret: s3cr3t-header }']
    const gateway = await startGateway(runYaml(...lines))
    gateway.write(runYaml(...lines, 'timeout_ms: soon'))
    await gateway.changed(1, 'config_error')
    expect(gateway.logged('config_error')[0]?.['message']).toMatch(
      /run\.yaml:5:\d+: "server\.auth\.timeout_ms" must be .* received "soon"/,
    )
    expect(await gateway.status()).toBe(200)
    rmSync(gateway.file)
    await gateway.changed(2, 'config_error')
    expect(gateway.logged('config_error')[1]?.['message']).toContain('it does not exist')
    expect(await gateway.status()).toBe(200)
    expect(await gateway.status('/', 'made-up')).toBe(401)
    expect(gateway.logged('config')).toEqual([])

    gateway.write(runYaml(...lines))
    await gateway.changed()
    expect(gateway.logged('config_error')).toHaveLength(2)
    expect(gateway.printed() + gateway.noted()).not.toMatch(
      new RegExp(String.raw`s3cr3t-header|sk-${TOKEN}`),
    )
  })

  it('rejects a file that reads credentials from the header in --request-id-header', async () => {
    const endpoint = await startEndpoint()
    const line = `endpoint: "${endpoint.url}"`
    const gateway = await startGateway(runYaml(line), ['--request-id-header', 'x-api-key'])
    gateway.write(runYaml(line, 'credentials: { header: x-api-key }'))
    await gateway.changed(1, 'config_error')
    expect(gateway.logged('config_error')[0]?.['message']).toContain('--request-id-header')
    expect(await gateway.status()).toBe(200)
    gateway.write(runYaml(line))
    await gateway.changed()
    gateway.write(runYaml(line, 'request_id_header: x-other', 'realm: models'))
    await gateway.changed(2)
    await gateway.call()
    expect(gateway.printed()).not.toContain(KEY)
  })

  it('follows a change made during startup', async () => {
    const file = join(createFolder(), 'run.yaml')
    const url = await serveStatus(() => {
      writeFileSync(file, runYaml(`endpoint: "${url}"`, 'realm: models'))
      return 401
    })
    const gateway = await startGateway(runYaml(`endpoint: "${url}"`), [], file)
    await gateway.changed()
    expect(await gateway.challenge()).toContain('models')
  })

  it('finishes a request under the configuration that it began with', async () => {
    let answer: () => void = () => undefined
    const slow = await serveHttp((request, response) => {
      let text = ''
      request.on('data', (chunk) => (text += String(chunk)))
      request.on('end', () => {
        if (text.includes(KEY)) answer = () => response.end('{ "principal": "alice" }')
        else response.writeHead(401).end()
      })
    })
    const other = await startEndpoint('sk-other')
    const gateway = await startGateway(runYaml(`endpoint: "${slow}"`, 'timeout_ms: 50000'))
    const underWay = gateway.status('/under-way')
    gateway.write(runYaml(`endpoint: "${other.url}"`))
    await gateway.changed()
    expect(await gateway.status()).toBe(401)
    answer()
    expect(await underWay).toBe(200)
    expect(gateway.reached).toEqual(['/under-way'])
  })

  it('warns once about a file that is mounted alone', async ({ skip }) => {
    const endpoint = await startEndpoint()
    const folder = createFolder()
    const line = `endpoint: "${endpoint.url}"`
    const [outside, inside] = [join(folder, 'outside.yaml'), join(folder, 'inside.yaml')]
    for (const file of [outside, inside]) writeFileSync(file, runYaml(line))
    if (!mount(outside, inside)) skip('only root may mount, and only Linux mounts a file')
    endLater(() => execFileSync('umount', ['-l', inside]))
    const gateway = await startGateway(runYaml(line), [], inside)
    expect(
      gateway.noted().match(/may miss a change of [^ ]+: it is mounted alone\. Mount the folder/g),
    ).toHaveLength(1)
    expect(await gateway.status()).toBe(200)
    writeFileSync(outside, runYaml(line, 'realm: models'))
    await gateway.changed()
    // A file that replaces it does not arrive, and the gateway continues.
    writeFileSync(`${outside}.new`, runYaml(line, 'realm: unseen'))
    renameSync(`${outside}.new`, outside)
    await pause(10 * LOOK_MS)
    expect(await gateway.challenge()).toContain('models')
    expect(gateway.logged('config_error')).toEqual([])
  })
})

it('with-auth gateway --config stops watching the file when it ends', async () => {
  const endpoint = await startEndpoint()
  const gateway = await startGateway(runYaml(`endpoint: "${endpoint.url}"`))
  gateway.write('server: [')
  await gateway.changed(1, 'config_error')
  gateway.signal('SIGINT')
  expect(await gateway.ended).toBe(0)
  gateway.write('server: {')
  await pause(10 * LOOK_MS)
  expect(gateway.logged('config_error')).toHaveLength(1)
})
