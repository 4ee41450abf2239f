import diagnosticsChannel from 'node:diagnostics_channel'
import { propagation, trace } from '@opentelemetry/api'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { readTraceContext } from '../../../src/core/request/trace-context.ts'
import { withAuth } from '../../../src/index.ts'
import { get, raw } from '../../support/requests.ts'
import type { AuthConfig, Transport } from '../../../src/index.ts'

const ID = '0af7651916cd43dd8448eb211c80319c'
const PARENT = 'b7ad6b7169203331'
const TRACE = `00-${ID}-${PARENT}-01`

const read = (traceparent: string, tracestate?: string) =>
  readTraceContext(
    raw('http://h/', { traceparent, ...(tracestate === undefined ? {} : { tracestate }) }).headers,
  )

afterEach(() => {
  propagation.disable()
  trace.disable()
})

describe('traceparent', () => {
  it.each([
    TRACE,
    `00-${ID}-${PARENT}-ff`,
    `01-${ID}-${PARENT}-01`,
    `cc-${ID}-${PARENT}-01-what-comes-later`,
    `fe-${ID}-${PARENT}-01-`,
  ])('goes on as it came: %s', (text) => {
    expect(read(text)).toEqual({ traceparent: text })
  })

  it.each([
    '',
    'x',
    `ff-${ID}-${PARENT}-01`,
    `00-${ID}-${PARENT}-01-later`,
    `00-${ID}-${PARENT}-01-`,
    `01-${ID}-${PARENT}-01later`,
    `01-${ID}-${PARENT}-01-${'x'.repeat(201)}`,
    `00-${'0'.repeat(32)}-${PARENT}-01`,
    `00-${ID}-${'0'.repeat(16)}-01`,
    `01-${'0'.repeat(32)}-${PARENT}-01`,
    `01-${ID}-${'0'.repeat(16)}-01`,
    `00-${ID.toUpperCase()}-${PARENT}-01`,
    `00-${ID}-${PARENT}-1`,
    `00-${ID}-${PARENT}`,
    `0-${ID}-${PARENT}-01`,
    ` ${TRACE}`,
    `${TRACE}\n`,
    // It was sent twice.
    `${TRACE}, ${TRACE}`,
  ])('stays out if it is not valid: %j', (text) => {
    expect(read(text, 'a=1')).toBeUndefined()
  })
})

describe('tracestate', () => {
  it.each([
    'rojo=00f067aa0ba902b7',
    'a=1,b=2 , c@d=3\t,,e_-*/=x y',
    `a=${'x'.repeat(256)}`,
    `a=1,${'b=2,'.repeat(30)}c=3`,
  ])('goes with it: %s', (state) => {
    expect(read(TRACE, state)).toEqual({ traceparent: TRACE, tracestate: state })
  })

  it.each([
    '',
    'a',
    'a=',
    'a=b=c',
    'A=1',
    '=1',
    'a=1,\u00a0',
    'a=1,b',
    `a=${'x'.repeat(257)}`,
    `${'a'.repeat(257)}=1`,
    `a=1,${'b=2,'.repeat(31)}c=3`,
    `a=${'x'.repeat(250)},b=${'x'.repeat(250)},c=12345`,
    'a=1\u00e9',
  ])('stays out if it is not valid or too long, and traceparent goes on: %j', (state) => {
    expect(read(TRACE, state)).toEqual({ traceparent: TRACE })
  })

  it('does not go alone', () => {
    expect(readTraceContext(raw('http://h/', { tracestate: 'a=1' }).headers)).toBeUndefined()
  })
})

// The instrumentation of fetch and undici adds its header to those that are there (opentelemetry-js-contrib#2796).
describe('where OpenTelemetry has a propagator', () => {
  const sent = { traceparent: TRACE }
  const register = () =>
    propagation.setGlobalPropagator({
      inject: () => undefined,
      extract: (context) => context,
      fields: () => [],
    })

  it('goes on while no call is instrumented', () => {
    register()
    expect(read(TRACE)).toEqual(sent)
  })

  it('stays out while the instrumentation of undici listens', () => {
    register()
    const listener = (): void => undefined
    diagnosticsChannel.subscribe('undici:request:create', listener)
    expect(read(TRACE)).toBeUndefined()
    propagation.disable()
    expect(read(TRACE)).toEqual(sent)
    register()
    diagnosticsChannel.unsubscribe('undici:request:create', listener)
    expect(read(TRACE)).toEqual(sent)
  })

  const { fetch } = globalThis
  const lazyFetch = () => fetch
  it.each<[string, unknown]>([
    ['wrapped', (...args: Parameters<typeof fetch>) => fetch(...args)],
    [
      'wrapped under its name',
      { fetch: (...args: Parameters<typeof fetch>) => fetch(...args) }.fetch,
    ],
    ['bound', fetch.bind(globalThis)],
    ['a proxy', new Proxy(fetch, {})],
    ['a function of another name that calls lazyFetch()', { traced: () => lazyFetch() }.traced],
  ])('stays out while fetch is %s', (_, replaced) => {
    register()
    vi.stubGlobal('fetch', replaced)
    expect(read(TRACE)).toBeUndefined()
    propagation.disable()
    expect(read(TRACE)).toEqual(sent)
  })

  it('goes on where there is no module of Node, and no call is instrumented', () => {
    register()
    vi.stubGlobal('navigator', { userAgent: 'Cloudflare-Workers' })
    expect(read(TRACE)).toEqual(sent)
  })

  it('stays out on Deno that sends its own', () => {
    register()
    expect(trace.setGlobalTracerProvider(trace.getTracerProvider())).toBe(true)
    const tracerProvider: unknown = Reflect.get(
      Object(Reflect.get(globalThis, Symbol.for('opentelemetry.js.api.1'))),
      'trace',
    )
    vi.stubGlobal('Deno', { telemetry: { tracerProvider: {} } })
    expect(read(TRACE)).toEqual(sent)
    vi.stubGlobal('Deno', { telemetry: { tracerProvider } })
    expect(read(TRACE)).toBeUndefined()
  })
})

describe('the call of the endpoint', () => {
  function guard(config: AuthConfig = {}) {
    const calls: { headers: Record<string, string>; end: () => void }[] = []
    const fetch: Transport = (_url, { headers }) =>
      new Promise((resolve) => {
        const end = (): void => resolve(new Response('{"principal":"ada"}'))
        calls.push({ headers: { ...headers }, end })
      })
    const context = { headers: [], params: 'none', path: false } as const
    const endpoint = 'https://auth.example.test/'
    const guarded = withAuth(() => new Response('in'), { endpoint, context, fetch, ...config })
    const send = (asking: Request | Record<string, string>): Promise<Response> =>
      Promise.resolve(guarded(asking instanceof Request ? asking : get('/', 'sk-1', asking)))
    return { calls, send }
  }
  const other = { traceparent: `00-${ID}-${'2'.repeat(16)}-00` }

  it('carries it, and the question does not', async () => {
    const { calls, send } = guard()
    const pending = send({ traceparent: TRACE, tracestate: 'a=1' })
    calls[0]?.end()
    expect((await pending).status).toBe(200)
    expect(calls[0]?.headers).toEqual({
      traceparent: TRACE,
      tracestate: 'a=1',
      accept: 'application/json',
      'content-type': 'application/json',
    })
  })

  it('has the header of the operator in its place', async () => {
    const { calls, send } = guard({ endpointHeaders: { Traceparent: 'ours' } })
    const pending = send({ traceparent: TRACE })
    calls[0]?.end()
    await pending
    expect(calls[0]?.headers['traceparent']).toBe('ours')
  })

  it('is shared by requests of other traces, and carries that of the first', async () => {
    const { calls, send } = guard()
    const pending = [send({ traceparent: TRACE }), send(other), send({})]
    expect(calls).toHaveLength(1)
    expect(calls[0]?.headers['traceparent']).toBe(TRACE)
    calls[0]?.end()
    expect((await Promise.all(pending)).map(({ status }) => status)).toEqual([200, 200, 200])
  })
})
