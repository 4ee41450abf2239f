import { execFile } from 'node:child_process'
import { cpSync, symlinkSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { promisify } from 'node:util'
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  inject,
  it,
  vi,
} from 'vitest'
import { close, listen } from '../support/loopback.ts'
import { ROOT } from '../support/project.ts'
import { BUN, DENO, locate, locateModule, SOME_NODES } from './support/binaries.ts'
import { startServer } from './support/server-process.ts'
import { startWorker } from './support/workerd.ts'
import type { Binary } from './support/binaries.ts'
import type { RunningServer } from './support/server-process.ts'

const run = promisify(execFile)

/** The set-up of docs/traces.md on each runtime, with the real SDK, before an endpoint and a Collector that record what they get. */

interface Span {
  readonly name: string
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
}

interface Export {
  readonly resourceSpans: readonly { scopeSpans: readonly { spans: readonly Span[] }[] }[]
}

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const CLIENT = `00-${TRACE}-b7ad6b7169203331-01`

let spans: Span[] = []
/** The `traceparent` of each question about the token, and of each request to the upstream. */
let asked: unknown[] = []
let passedOn: unknown[] = []

const recorder = createServer((request, response) => {
  const chunks: string[] = []
  request.setEncoding('utf8').on('data', (chunk: string) => void chunks.push(chunk))
  request.on('end', () => {
    const text = chunks.join('')
    if (request.url === '/v1/traces') spans.push(...spansOf(JSON.parse(text) as Export))
    const isGood = text.includes('"sk-good"')
    if (isGood) asked.push(request.headers['traceparent'])
    if (request.url === '/hello') passedOn.push(request.headers['traceparent'])
    response.statusCode = request.url === '/validate' && !isGood ? 401 : 200
    response.setHeader('content-type', 'application/json').end('{"principal":"ada"}')
  })
})

function spansOf({ resourceSpans }: Export): readonly Span[] {
  return resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans))
}

let folder: string
let env: Readonly<Record<string, string>>
let server: RunningServer | undefined

beforeAll(async () => {
  folder = join(inject('app'), 'traces')
  cpSync(join(ROOT, 'examples/traces'), folder, { recursive: true })
  cpSync(
    join(inject('app'), 'undici-instrumentation.js'),
    join(folder, 'undici-instrumentation.js'),
  )
  const modules = join(inject('app'), 'node_modules')
  // A copy, which finds the same hono as the program. The others are links, since they have many dependencies.
  cpSync(locateModule('@hono/otel'), join(modules, '@hono/otel'), { recursive: true })
  for (const name of [
    '@opentelemetry',
    'instrumentation-undici',
    'instrumentation-undici-lowest',
  ]) {
    symlinkSync(locateModule(name), join(modules, name))
  }
  const url = `http://127.0.0.1:${await listen(recorder)}`
  env = {
    PORT: '0',
    AUTH_ENDPOINT: `${url}/validate`,
    UPSTREAM: url,
    OTEL_EXPORTER_OTLP_ENDPOINT: url,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    OTEL_METRICS_EXPORTER: 'none',
    OTEL_LOGS_EXPORTER: 'none',
    OTEL_NODE_RESOURCE_DETECTORS: 'none',
    OTEL_BSP_SCHEDULE_DELAY: '100',
  }
})
afterAll(() => close(recorder))
beforeEach(() => {
  spans = []
  asked = []
  passedOn = []
})
afterEach(async () => {
  await server?.stop()
  server = undefined
})

/** Sends two requests with a token: the first question goes by `fetch`, the second by the dispatcher of Node. */
async function send(
  binary: Binary,
  args: readonly string[],
  more: Readonly<Record<string, string>> = {},
): Promise<void> {
  server = await startServer({ binary, args, cwd: folder, env: { ...env, ...more } })
  await ask(server)
}

async function ask({ url }: RunningServer): Promise<void> {
  const headers = { authorization: 'Bearer sk-good', traceparent: CLIENT }
  for (const _ of ['one', 'another']) {
    expect((await fetch(`${url}/hello`, { headers })).status).toBe(200)
  }
  await vi.waitFor(() => expect(checks()).toHaveLength(2), { timeout: 10_000 })
}

const checks = () =>
  spans.filter(({ name, traceId }) => name === 'with-auth check' && traceId === TRACE)
const spanOf = (id: string | undefined) => spans.find(({ spanId }) => spanId === id)

/** The span that the endpoint was told of, for each check, as the names from it to that of the request. */
async function pathsFromEndpoint(): Promise<readonly string[]> {
  const told = asked.map((text) => /^00-(\w{32})-(\w{16})-01$/.exec(String(text)) ?? [])
  expect(told.map(([, traceId]) => traceId)).toEqual([TRACE, TRACE])
  const paths = () => told.map(([, , id]) => pathFrom(id).join(' < '))
  // The span of the request ends last.
  await vi.waitFor(() => expect(paths().join()).toMatch(/GET.*,.*GET/), { timeout: 10_000 })
  return paths()
}

function pathFrom(id: string | undefined): readonly string[] {
  const span = spanOf(id)
  return span === undefined ? [] : [span.name, ...pathFrom(span.parentSpanId)]
}

// The SDK needs Node 22.15. The tests of `telemetry/spans.ts` have one that runs on Node 20.
const NODES_OF_SDK = SOME_NODES.filter(({ name }) => name !== 'Node 20')

describe.each([...NODES_OF_SDK, BUN])('the set-up of the page on $name', (binary) => {
  it('calls the endpoint in the span of the check, without instrumented fetch', async () => {
    const preload =
      binary === BUN
        ? ['--preload', './tracing.js', 'app.js']
        : ['--import', './tracing.js', 'node.js']
    await send(binary, binary === BUN ? ['--port=0', ...preload] : preload)
    const path = 'with-auth check < GET /hello'
    expect(await pathsFromEndpoint()).toEqual([path, path])
    await server?.stop()
    const logged = server?.printed().match(/"traceId":"\w+"/g)
    expect(logged).toEqual([`"traceId":"${TRACE}"`, `"traceId":"${TRACE}"`])
  })
})

it('the set-up of the page on Deno calls the endpoint in the span of Deno itself, in that of the check', async () => {
  const serve = ['serve', '--no-prompt', '--host=127.0.0.1', '--port=0']
  await send(DENO, [...serve, '--allow-net', '--allow-env', 'app.js'], { OTEL_DENO: 'true' })
  const path = 'POST < with-auth check < GET /hello'
  expect(await pathsFromEndpoint()).toEqual([path, path])
})

it('the set-up of the page on workerd calls the endpoint in the span of the check', async () => {
  server = await startWorker('worker.js', folder, env, ['nodejs_compat'])
  await ask(server)
  const path = 'with-auth check < GET /hello'
  expect(await pathsFromEndpoint()).toEqual([path, path])
})

describe.each(
  NODES_OF_SDK.flatMap((binary) => [
    { binary, version: 'lowest', name: 'instrumentation-undici-lowest' },
    { binary, version: 'newest', name: 'instrumentation-undici' },
  ]),
)('the $version instrumentation of undici on $binary.name', ({ binary, name }) => {
  it('adds the only traceparent, that of its span in the span of the check', async () => {
    const args = ['--import', './undici-instrumentation.js', 'node.js']
    await send(binary, args, { INSTRUMENTATION: name })
    const path = 'POST < with-auth check < GET /hello'
    expect(await pathsFromEndpoint()).toEqual([path, path])
  })
})

describe.each(NODES_OF_SDK)('the command on $name', (binary) => {
  it('makes the span of a check with the real package in NODE_OPTIONS', async () => {
    const cli = join(inject('app'), 'node_modules/with-auth/dist/cli.js')
    const line = ['gateway', `--upstream=${env['UPSTREAM']}`, '--port=0']
    const register = '--import=@opentelemetry/auto-instrumentations-node/register'
    await send(binary, [cli, ...line], { NODE_OPTIONS: register })
    const path = 'POST < with-auth check < GET'
    expect(await pathsFromEndpoint()).toEqual([path, path])
    expect(passedOn.map((text) => String(text).slice(3, 35))).toEqual([TRACE, TRACE])
    expect(server?.printed()).not.toContain('no span is made')
  })
})

// A third more than the most of thirty runs on two busy cores. A copy of the event by JSON exceeds it on Node.
it.each([...SOME_NODES.map((node) => [node, 3.2] as const), [BUN, 4] as const])(
  'observe without an SDK makes a cached hit little dearer on $0.name',
  async (binary, most) => {
    const { stdout } = await run(locate(binary), ['observe-costs.js'], { cwd: inject('app') })
    // Nothing was measured if it costs nothing.
    expect(Number(stdout)).toBeGreaterThan(1.05)
    expect(Number(stdout)).toBeLessThan(most)
  },
)
