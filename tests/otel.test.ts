import { metrics, SpanKind, SpanStatusCode } from '@opentelemetry/api'
import { describe, expect, it, vi } from 'vitest'
import { observe } from '../src/otel.ts'
import { get } from './support/requests.ts'
import {
  collect,
  guard,
  register,
  setupTelemetry,
  spans,
  TOKEN,
  tracer,
  unregister,
  verifier,
} from './otel/telemetry-sdk.ts'
import type { AuthEvent, AskVerifier } from '../src/index.ts'
import type { ObserveOptions } from '../src/otel.ts'

setupTelemetry()

describe('a decision', () => {
  it('has one span in the span of its request, which begins when the check began', async () => {
    const slow: AskVerifier = async (...asked) => {
      await new Promise((resolve) => setTimeout(resolve, 30))
      return verifier(...asked)
    }
    const guarded = guard({}, { verifier: slow })
    const requests = ['a', 'b'].map((name) =>
      tracer.startActiveSpan(name, async (parent) => {
        await guarded(get('/v1/models', TOKEN, { 'x-name': name }))
        parent.end()
      }),
    )
    await Promise.all(requests)
    const checks = spans().filter(({ name }) => name === 'with-auth check')
    expect(checks).toHaveLength(2)
    for (const { parentSpanContext, kind, duration, startTime } of checks) {
      const parent = spans().find((span) => span.spanContext().spanId === parentSpanContext?.spanId)
      expect(parent?.name).toMatch(/^[ab]$/)
      expect(kind).toBe(SpanKind.INTERNAL)
      expect(duration[0] * 1000 + duration[1] / 1e6).toBeGreaterThan(20)
      expect(toMs(startTime)).toBeGreaterThan(toMs(parent?.startTime) - 5)
    }
    expect(new Set(checks.map(({ parentSpanContext }) => parentSpanContext?.spanId)).size).toBe(2)
  })

  it('has attributes that say why, and no token, path or principal', async () => {
    const guarded = guard()
    await guarded(get(`/secret/${TOKEN}`, TOKEN))
    await guarded(get('/secret/path', 'sk-wrong'))
    await guarded(get('/secret/path', 'fails'))
    await guarded(get('/open'))
    expect(spans().map(({ attributes, status }) => [attributes, status.code])).toEqual([
      [
        {
          'with_auth.outcome': 'allow',
          'with_auth.cache': 'off',
          'with_auth.verifier': 'ours',
          'with_auth.attempts': 1,
        },
        SpanStatusCode.UNSET,
      ],
      [
        {
          'with_auth.outcome': 'deny',
          'with_auth.reason': 'denied',
          'with_auth.detail': 'unknown_token',
          'with_auth.cache': 'off',
          'with_auth.verifier': 'ours',
          'with_auth.attempts': 1,
        },
        SpanStatusCode.UNSET,
      ],
      [
        {
          'with_auth.outcome': 'deny',
          'with_auth.reason': 'internal_error',
          'error.type': 'internal_error',
          'with_auth.cache': 'off',
          'with_auth.verifier': 'ours',
          'with_auth.attempts': 1,
        },
        SpanStatusCode.ERROR,
      ],
      [
        { 'with_auth.outcome': 'public', 'with_auth.cache': 'off', 'with_auth.attempts': 0 },
        SpanStatusCode.UNSET,
      ],
    ])
  })

  it('names the caller only if that is asked for', async () => {
    const guarded = guard({ principal: true })
    await guarded(get('/', TOKEN))
    await guarded(get('/', 'sk-wrong'))
    expect(spans().map(({ attributes }) => attributes['user.id'])).toEqual([
      'ada@example.com',
      undefined,
    ])
  })

  it('has no span with spans: false, and is counted', async () => {
    await guard({ spans: false })(get('/', TOKEN))
    expect(spans()).toEqual([])
    const { 'with_auth.decisions': decisions } = await collect()
    expect(decisions).toEqual([{ attributes: { outcome: 'allow', cache: 'off' }, value: 1 }])
  })
})

describe('the providers', () => {
  it('may be registered later, and exchanged', async () => {
    await unregister()
    const guarded = guard()
    await guarded(get('/', TOKEN))
    for (const _ of ['one', 'another']) {
      register()
      await guarded(get('/', TOKEN))
      expect(spans()).toHaveLength(1)
      expect((await collect())['with_auth.decisions']?.map(({ value }) => value)).toEqual([1])
      await unregister()
    }
    register()
  })

  it.each(['now', 'later'])(
    'may throw: the decision stands, and next gets the event (%s)',
    async (when) => {
      const next = vi.fn<(event: AuthEvent) => unknown>(() =>
        when === 'later' ? Promise.reject(new Error('ignored')) : undefined,
      )
      const written = vi.spyOn(console, 'error').mockReturnValue()
      const broken = vi.spyOn(metrics, 'getMeterProvider').mockImplementation(() => {
        throw new TypeError('no provider')
      })
      const response = await guard({ next })(get('/', TOKEN))
      broken.mockRestore()
      expect(response.status).toBe(200)
      expect(next).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ outcome: 'allow' }))
      expect(written).toHaveBeenCalledExactlyOnceWith(
        expect.stringContaining('"onEvent" threw TypeError'),
      )
      written.mockRestore()
    },
  )
})

describe('the options', () => {
  it('give each event to next', async () => {
    const events: AuthEvent[] = []
    const next = (event: AuthEvent): void => void events.push(event)
    const onEvent = observe({ next })
    onEvent({ type: 'warning', message: 'x' })
    await guard({ next })(get('/', TOKEN))
    expect(events.map(({ type }) => type)).toEqual(['warning', 'decision'])
    expect(JSON.stringify(await collect())).not.toContain('ada')
  })

  it.each([['spans', 'an object']])('that cannot be used are an error: %j', (options, message) => {
    expect(() => observe(options as ObserveOptions)).toThrow(message)
    expect(() => observe(options as ObserveOptions)).toThrow(
      expect.objectContaining({ name: 'AuthConfigError' }) as Error,
    )
  })
})

function toMs(time: readonly [number, number] = [Infinity, 0]): number {
  return time[0] * 1000 + time[1] / 1e6
}
