import { createServer } from 'node:http'
import Module from 'node:module'
import { context, propagation, trace } from '@opentelemetry/api'
import {
  CompositePropagator,
  W3CBaggagePropagator,
  W3CTraceContextPropagator,
} from '@opentelemetry/core'
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici'
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { memoryCache, withAuth } from '../../src/index.ts'
import { nodeTransport } from '../../src/node.ts'
import { observe } from '../../src/otel.ts'
import { get } from '../support/requests.ts'
import { run } from '../support/tcp-endpoint.ts'
import { setupTelemetry, spans, TOKEN, tracer } from '../otel/telemetry-sdk.ts'
import type { Context, Tracer } from '@opentelemetry/api'
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base'
import type { AskVerifier, AuthConfig, AuthEvent } from '../../src/index.ts'

/** Spans of checks as a Collector gets them, and the headers of the POST as a real endpoint does. */

const ID = '0af7651916cd43dd8448eb211c80319c'
const CLIENT = `00-${ID}-b7ad6b7169203331-01`

setupTelemetry()
beforeEach(() => {
  const propagators = [new W3CTraceContextPropagator(), new W3CBaggagePropagator()]
  propagation.setGlobalPropagator(new CompositePropagator({ propagators }))
})
afterEach(() => propagation.disable())

const named = (name: string) => spans().filter((span) => span.name === name)
const idOf = (span: ReadableSpan | undefined) => span?.spanContext().spanId
const parentOf = (span: ReadableSpan | undefined) => span?.parentSpanContext?.spanId
const toMs = ([seconds, nanos]: readonly [number, number]): number => seconds * 1000 + nanos / 1e6

interface Asked {
  /** Each field as it came, also those that came twice. */
  readonly fields: readonly string[]
  readonly of: (name: string) => readonly string[]
  readonly body: string
}

/** A guard before a real endpoint that records the headers of each call. */
async function start(config: AuthConfig = {}, verifier?: AskVerifier) {
  const asked: Asked[] = []
  const events: AuthEvent[] = []
  const server = createServer((request, response) => {
    const { rawHeaders } = request
    const of = (name: string): readonly string[] =>
      rawHeaders.filter((_, at) => at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() === name)
    const chunks: string[] = []
    request.setEncoding('utf8').on('data', (chunk: string) => void chunks.push(chunk))
    request.on('end', () => {
      const body = chunks.join('')
      asked.push({ fields: rawHeaders, of, body })
      response.statusCode = body.includes('sk-denied') ? 401 : 200
      response.end('{"principal":"ada"}')
    })
  })
  const { port } = await run(server)
  const guarded = withAuth(() => new Response('in'), {
    ...(verifier ? { verifier } : { endpoint: `http://127.0.0.1:${port}/validate` }),
    onEvent: observe({ next: (event) => void events.push(event) }),
    ...config,
  })
  /** As behind `@hono/otel` or the instrumentation of a server, which read the context of the request. */
  const serve = (headers: Record<string, string> = {}, token = TOKEN): Promise<number> => {
    const outer: Context = propagation.extract(context.active(), headers)
    return tracer.startActiveSpan('GET /', {}, outer, async (span) => {
      const { status } = await guarded(get('/v1/models', token, headers))
      span.end()
      return status
    })
  }
  return { asked, events, serve, guarded }
}

/** As the instrumentation of a program that was loaded before it. */
function instrumentUndici(): void {
  // It hooks `require`, which other tests of this process need as it was.
  const require: unknown = Reflect.get(Module.prototype, 'require')
  const instrumentation = new UndiciInstrumentation()
  onTestFinished(() => {
    instrumentation.disable()
    Reflect.set(Module.prototype, 'require', require)
  })
}

const NO_CONTEXT = { context: { headers: [], params: 'none', path: false } } as const

describe('the call to the endpoint', () => {
  it('belongs to the span of its check, without any instrumentation of fetch', async () => {
    const { asked, serve } = await start()
    // The first goes by `fetch`, the second by the dispatcher below it.
    expect([await serve(), await serve()]).toEqual([200, 200])
    expect(asked.map(({ of }) => of('sec-fetch-mode').length)).toEqual([1, 0])
    expect(named('with-auth check')).toHaveLength(2)
    for (const [at, check] of named('with-auth check').entries()) {
      expect(parentOf(check)).toBe(idOf(named('GET /')[at]))
      const { traceId, spanId } = check.spanContext()
      expect(asked[at]?.of('traceparent')).toEqual([`00-${traceId}-${spanId}-01`])
    }
  })

  it('has one traceparent, that of its own span, with undici instrumented', async () => {
    const { asked, serve } = await start()
    instrumentUndici()
    expect([await serve(), await serve({ traceparent: CLIENT })]).toEqual([200, 200])
    const posts = named('POST')
    expect(posts.map(parentOf)).toEqual(named('with-auth check').map(idOf))
    for (const [at, post] of posts.entries()) {
      const { traceId, spanId } = post.spanContext()
      expect(asked[at]?.of('traceparent')).toEqual([`00-${traceId}-${spanId}-01`])
    }
    expect(named('with-auth check')[1]?.spanContext().traceId).toBe(ID)
  })

  it('is covered over nodeTransport too', async () => {
    const fetch = nodeTransport()
    onTestFinished(() => fetch.close())
    const { asked, serve } = await start({ fetch })
    await serve()
    instrumentUndici()
    await serve()
    const [check] = named('with-auth check')
    const [post] = named('POST')
    expect(asked.map(({ of }) => of('traceparent').length)).toEqual([1, 1])
    expect(asked[0]?.of('traceparent')[0]).toContain(idOf(check))
    expect(asked[1]?.of('traceparent')[0]).toContain(idOf(post))
  })

  it('is made in the span, as is the call of a verifier', async () => {
    const active: (string | undefined)[] = []
    const { serve } = await start({}, async () => {
      await new Promise((resolve) => setTimeout(resolve, 5))
      active.push(trace.getActiveSpan()?.spanContext().spanId)
      return { outcome: 'allow' }
    })
    expect(await serve()).toBe(200)
    expect(active).toEqual([idOf(named('with-auth check')[0])])
  })

  it('carries no baggage of the client, and no tracestate that is not valid', async () => {
    const { asked, serve } = await start()
    await serve({ traceparent: CLIENT, tracestate: 'a=1', baggage: 'role=admin' })
    await serve({ traceparent: CLIENT, tracestate: `a=${'x'.repeat(600)}`, baggage: 'b=c' })
    expect(asked.map(({ of }) => of('baggage'))).toEqual([[], []])
    expect(asked.map(({ of }) => of('tracestate'))).toEqual([['a=1'], []])
    expect(asked.map(({ of }) => of('traceparent')[0]?.slice(3, 35))).toEqual([ID, ID])
  })

  it('carries the fields of the propagator that the program has chosen, such as b3', async () => {
    const b3 = (at: Context): string => {
      const { traceId = '', spanId = '' } = trace.getSpanContext(at) ?? {}
      return `${traceId}-${spanId}-1`
    }
    let isBroken = true
    propagation.disable()
    propagation.setGlobalPropagator({
      fields: () => ['b3'],
      extract: (at) => at,
      inject: (at, carrier, setter) => {
        setter.set(carrier, 'B3', b3(at))
        setter.set(carrier, 'uberctx-role', 'admin')
        if (isBroken) setter.set(carrier, 'x-b3-sampled', 'not\nvisible')
      },
    })
    const { asked, serve } = await start()
    expect([await serve(), await serve({ traceparent: CLIENT })]).toEqual([200, 200])
    isBroken = false
    instrumentUndici()
    await serve()
    const checks = named('with-auth check').map((check) => {
      const { traceId, spanId } = check.spanContext()
      return `${traceId}-${spanId}-1`
    })
    expect(asked.map(({ of }) => of('b3')).slice(0, 2)).toEqual(
      checks.slice(0, 2).map((id) => [id]),
    )
    const others = ['traceparent', 'uberctx-role', 'x-b3-sampled']
    const sent = asked.slice(0, 2).flatMap(({ of }) => others.flatMap((name) => of(name)))
    expect(sent).toEqual([])
    // The instrumentation sends its own.
    expect(asked[2]?.of('b3')).toHaveLength(1)
    expect(asked[2]?.of('b3')).not.toEqual([checks[2]])
  })

  it('asks about the headers that the key was made of, whatever begins with its span', async () => {
    const { asked, guarded } = await start({
      cache: memoryCache(),
      context: { headers: ['x-team'] },
    })
    const request = get('/', TOKEN, { 'x-team': 'red' })
    const startSpan = vi.spyOn(tracer.constructor.prototype as Tracer, 'startSpan')
    startSpan.mockImplementation(() => {
      request.headers.set('x-team', 'blue')
      throw new TypeError('changed')
    })
    await guarded(request)
    expect(asked).toHaveLength(1)
    expect(asked[0]?.body).toContain('"x-team":"red"')
  })

  it('and the decision do not depend on a tracer or a propagator that throws', async () => {
    const { asked, serve } = await start()
    const written = vi.spyOn(console, 'error').mockReturnValue()
    vi.spyOn(propagation, 'inject').mockImplementation(() => {
      throw new TypeError('no propagator')
    })
    expect(await serve()).toBe(200)
    const span = vi.spyOn(trace, 'getTracer').mockImplementation(() => {
      throw new TypeError('no tracer')
    })
    expect(await serve()).toBe(200)
    span.mockRestore()
    vi.restoreAllMocks()
    expect(asked.map(({ of }) => of('traceparent'))).toEqual([[], []])
    expect(written).toHaveBeenCalledExactlyOnceWith(
      expect.stringContaining('"onEvent" threw TypeError'),
    )
  })
})

describe('a cached decision', () => {
  it('has a span that never begins before the span of its request', async () => {
    const { asked, serve } = await start({ cache: memoryCache(), ...NO_CONTEXT })
    for (let turn = 0; turn < 500; turn += 1) await serve()
    expect(asked).toHaveLength(1)
    const requests = new Map(named('GET /').map((span) => [idOf(span), span]))
    const checks = named('with-auth check')
    expect(checks).toHaveLength(500)
    expect(checks.at(-1)?.attributes['with_auth.cache']).toBe('hit')
    const early = checks.filter(({ startTime, parentSpanContext }) => {
      const request = requests.get(parentSpanContext?.spanId)
      return request === undefined || toMs(startTime) < toMs(request.startTime)
    })
    expect(early).toEqual([])
  })

  it('is used whatever the trace', async () => {
    const { asked, serve } = await start({ cache: memoryCache(), ...NO_CONTEXT })
    const headers = [{}, { traceparent: CLIENT }, { traceparent: 'x', tracestate: 'y' }]
    for (const sent of headers) expect(await serve(sent)).toBe(200)
    expect(asked).toHaveLength(1)
  })
})

describe('a decision event', () => {
  const idsOf = (events: readonly AuthEvent[]) =>
    events.map((event) => ('traceId' in event ? event.traceId : undefined))

  it('has the id of the trace of its span: asked, cached and rejected', async () => {
    const { events, serve } = await start({ cache: memoryCache(), ...NO_CONTEXT })
    await serve()
    await serve()
    await serve({}, 'sk-denied')
    await serve({ traceparent: CLIENT })
    const checks = named('with-auth check')
    expect(idsOf(events)).toEqual(checks.map((span) => span.spanContext().traceId))
    expect(idsOf(events)[3]).toBe(ID)
    expect(new Set(idsOf(events)).size).toBe(4)
  })

  it('has the same span if its observer is called by another one', async () => {
    const inner = observe()
    const { serve, asked } = await start({ onEvent: (event) => inner(event) })
    await serve({ traceparent: CLIENT })
    const [check] = named('with-auth check')
    expect(parentOf(check)).toBe(idOf(named('GET /')[0]))
    expect(check?.instrumentationScope.name).toBe('with-auth')
    // No call can be in a span that is made afterwards.
    expect(asked[0]?.of('traceparent')).toEqual([CLIENT])
  })

  it('has a span that lasts as long as its check, also one that is made afterwards', async () => {
    const inner = observe()
    const takeTime = async (): Promise<{ outcome: 'allow' }> => {
      await new Promise((resolve) => setTimeout(resolve, 40))
      return { outcome: 'allow' }
    }
    for (const config of [{}, { onEvent: (event: AuthEvent) => inner(event) }]) {
      const { serve } = await start(config, takeTime)
      await serve()
    }
    const requests = named('GET /')
    const checks = named('with-auth check')
    expect(checks).toHaveLength(2)
    for (const [at, { duration, startTime }] of checks.entries()) {
      expect(toMs(duration)).toBeGreaterThan(35)
      expect(toMs(startTime)).toBeLessThan(toMs(requests[at]?.endTime ?? [0, 0]) - 35)
    }
  })

  it.each<[string, Record<string, string>, string | undefined]>([
    ['a valid traceparent', { traceparent: CLIENT }, ID],
    ['none', {}, undefined],
    ['one that is not valid', { traceparent: `${CLIENT}\u00e9` }, undefined],
    ['one that is long', { traceparent: `00-${ID.repeat(99)}-b7ad6b7169203331-01` }, undefined],
    ['upper case', { traceparent: CLIENT.toUpperCase() }, undefined],
  ])('without a span has the trace of the request: %s', async (_, headers, id) => {
    trace.disable()
    for (const onEvent of [undefined, vi.fn<(event: AuthEvent) => void>()]) {
      const { events, guarded } = await start(onEvent === undefined ? {} : { onEvent })
      await guarded(get('/', TOKEN, headers))
      const seen = onEvent?.mock.calls.map(([event]) => event) ?? events
      expect(idsOf(seen)).toEqual([id])
    }
  })

  it('has no id of a trace that is the token', async () => {
    const { events, serve, guarded } = await start()
    await serve({ traceparent: CLIENT }, ID)
    await guarded(get('/', ID.slice(8, 24), { traceparent: CLIENT }))
    trace.disable()
    await guarded(get('/', ID, { traceparent: CLIENT }))
    expect(events).toHaveLength(3)
    expect(JSON.stringify(events)).not.toContain(ID.slice(8, 24))
  })
})
