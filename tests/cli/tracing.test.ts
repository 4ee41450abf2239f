/** @module-tag slow */
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { beforeAll, expect, it, onTestFinished } from 'vitest'
import { ensureBuilt } from '../support/built-package.ts'
import { ROOT } from '../support/project.ts'
import { spawnProgram } from '../support/spawned-program.ts'
import { setupFolder } from '../support/temporary-folder.ts'
import { startService } from '../support/verifier-service.ts'

/** The built command, with an SDK of OpenTelemetry that NODE_OPTIONS loads before it. */

const MODULES = join(ROOT, 'node_modules')
const API = '@opentelemetry/api'
const TRACE = '0af7651916cd43dd8448eb211c80319c'
const PARENT = 'b7ad6b7169203331'

/** Registers the SDK without any instrumentation, and prints its spans. Not found from the folder of the command. */
const SDK = `
import { createRequire } from 'node:module'
const load = createRequire(${JSON.stringify(join(ROOT, 'package.json'))})
const { context, propagation, trace } = load('@opentelemetry/api')
const { AsyncLocalStorageContextManager } = load('@opentelemetry/context-async-hooks')
const { W3CTraceContextPropagator } = load('@opentelemetry/core')
const { BasicTracerProvider, SimpleSpanProcessor } = load('@opentelemetry/sdk-trace-base')
const show = (span) =>
  console.error('SPAN ' + JSON.stringify({ ...span.spanContext(), name: span.name, attributes: span.attributes }))
const exporter = {
  export: (spans, done) => (spans.forEach(show), done({ code: 0 })),
  shutdown: async () => undefined,
}
context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
propagation.setGlobalPropagator(new W3CTraceContextPropagator())
trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }))
`

beforeAll(ensureBuilt, 60_000)
const inFolder = setupFolder()

/** An endpoint that allows one key and is the upstream too, and what it got. */
async function startServer() {
  const traces: unknown[] = []
  const { port } = await startService(({ url, body, headers }) => {
    if (url !== '/validate') return {}
    if (!body.includes('"sk-good"')) return { status: 401 }
    traces.push(headers['traceparent'])
    return { json: { principal: 'ada' } }
  })
  return { url: `http://127.0.0.1:${port}`, traces }
}

/** Starts a command as an installed package, whose folder and working directory have what `api` says. */
async function start(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  api: readonly ('package' | 'directory')[],
) {
  const installed = inFolder('app/node_modules/with-auth')
  cpSync(join(ROOT, 'dist'), join(installed, 'dist'), { recursive: true })
  cpSync(join(ROOT, 'package.json'), join(installed, 'package.json'))
  const cwd = inFolder('work')
  const places = { package: join(installed, 'node_modules'), directory: join(cwd, 'node_modules') }
  for (const folder of Object.values(places))
    mkdirSync(join(folder, '@opentelemetry'), { recursive: true })
  for (const name of api) symlinkSync(join(MODULES, API), join(places[name], API))
  for (const name of ['jose', 'srvx', 'yaml']) {
    symlinkSync(join(MODULES, name), join(inFolder('app/node_modules'), name))
  }
  writeFileSync(inFolder('sdk.mjs'), SDK)
  const line = [join(installed, 'dist/cli.js'), ...args, '--port=0']
  const program = spawnProgram(process.execPath, line, { cwd, env })
  onTestFinished(async () => {
    program.kill('SIGKILL')
    await program.ended
  })
  const [, url = ''] = await program.printed(/"listening","url":"([^"]+)"/)
  return { ...program, url }
}

const sdk = (): Readonly<Record<string, string>> => ({
  NODE_OPTIONS: `--import=${pathToFileURL(inFolder('sdk.mjs')).href}`,
})
const SENT = { authorization: 'Bearer sk-good', traceparent: `00-${TRACE}-${PARENT}-01` }

/** Starts a command in front of an endpoint, and sends a request with a trace to it. */
async function ask(
  api: readonly ('package' | 'directory')[],
  { command = 'gateway', env = sdk() } = {},
) {
  const { url: endpoint, traces } = await startServer()
  const args = command === 'gateway' ? [`--upstream=${endpoint}`] : ['--for=caddy']
  const variables = { AUTH_ENDPOINT: `${endpoint}/validate`, ...env }
  const program = await start([command, ...args], variables, api)
  const described = { uri: '/v1', method: 'GET', host: 'h', proto: 'https', for: '127.0.0.1' }
  const forwarded = Object.entries(described).map(([name, value]) => [`x-forwarded-${name}`, value])
  const headers = command === 'gateway' ? [] : forwarded
  const { status } = await fetch(`${program.url}/v1`, {
    headers: { ...SENT, ...(Object.fromEntries(headers) as Record<string, string>) },
  })
  expect(status).toBe(200)
  const [logged = ''] = await program.printed(/^.*"decision".*$/m)
  return { ...program, traces, logged: JSON.parse(logged) as { traceId?: string } }
}

it.each([
  ['gateway', 'package'],
  ['gateway', 'directory'],
  ['forward-auth', 'package'],
] as const)(
  '%s makes the span of each check with the API of its %s, and calls the endpoint in it',
  async (command, place) => {
    const { printed, traces, logged, stderr } = await ask([place], { command })
    const [, shown = ''] = await printed(/^SPAN (.*)$/m)
    const span = JSON.parse(shown) as { traceId: string; spanId: string }
    const attributes = { 'with_auth.outcome': 'allow' }
    expect(span).toMatchObject({ name: 'with-auth check', attributes })
    expect(traces).toEqual([`00-${span.traceId}-${span.spanId}-01`])
    expect(logged).toMatchObject({ outcome: 'allow', traceId: span.traceId })
    expect(stderr()).not.toContain(API)
  },
)

it('a command says that the API is missing, and serves without spans', async () => {
  const { traces, logged, stderr } = await ask([])
  expect(stderr()).toContain(
    `with-auth: OpenTelemetry is loaded, and ${API} is neither beside with-auth nor in ${inFolder('work')} (MODULE_NOT_FOUND): no span is made. Install it: npm install ${API}\n`,
  )
  expect(traces).toEqual([SENT.traceparent])
  expect(logged).toMatchObject({ traceId: TRACE })
  expect(stderr()).not.toContain('SPAN')
})

it('a command without an SDK looks for nothing', async () => {
  const { traces, stderr } = await ask([], { env: {} })
  expect(traces).toEqual([SENT.traceparent])
  expect(stderr()).not.toContain('OpenTelemetry')
})
