import { describe, expect, it } from 'vitest'
import { createRequestLog } from '../../../src/cli/gateway/request-log.ts'
import { createChannel } from '../../../src/core/response/events.ts'
import { passageOf } from '../../../src/gateway/passage.ts'
import { describeFailure } from '../../../src/gateway/refusal.ts'
import { get } from '../../support/requests.ts'
import type { RequestLogOptions } from '../../../src/cli/gateway/request-log.ts'
import type { LogEntry } from '../../../src/cli/log.ts'
import type { DecisionEvent } from '../../../src/index.ts'

const ALLOW: DecisionEvent = {
  type: 'decision',
  outcome: 'allow',
  path: '/a',
  method: 'GET',
  principal: 'alice',
  durationMs: 1.23456789,
  cache: 'off',
  attempts: 1,
}
const { principal: _, ...UNNAMED } = ALLOW
const UUID = /^[\da-f]{8}-(?:[\da-f]{4}-){3}[\da-f]{12}$/

function create(options: Partial<RequestLogOptions> = {}) {
  const entries: LogEntry[] = []
  const requestLog = createRequestLog({
    log: (entry) => entries.push(entry),
    addressOf: () => '192.0.2.7',
    requestIdHeader: undefined,
    logsPrincipal: false,
    ...options,
  })
  const { report } = createChannel(requestLog.onEvent, () => undefined)
  return { ...requestLog, report, entries }
}

const upstream = async (): Promise<Response> => new Response('', { status: 404 })

describe('the line of a request', () => {
  it('contains the failure if the gateway answered itself', async () => {
    const { report, follow, answered, entries } = create()
    const [request, other] = [get('/a'), get('/a')]
    const error = Object.assign(new Error('sk-secret'), { code: 'ECONNREFUSED' })
    report?.({ ...ALLOW, cache: 'stale', cause: 'ENOTFOUND' }, undefined, request)
    report?.({ ...ALLOW }, undefined, other)
    await follow(async (asked) => {
      describeFailure(asked, 'upstream_unreachable', error)
      return new Response('', { status: 502 })
    })(request)
    await follow(upstream)(other)
    answered(request, 502)
    answered(other, 404)
    expect(entries[0]).toMatchObject({
      status: 502,
      failure: 'upstream_unreachable',
      upstreamCause: 'ECONNREFUSED',
      cause: 'ENOTFOUND',
    })
    expect(entries[0]).not.toHaveProperty('upstreamStatus')
    expect(entries[0]).not.toHaveProperty('upstreamMs')
    expect(entries[1]).toMatchObject({
      upstreamStatus: 404,
      upstreamMs: expect.any(Number) as number,
    })
    expect(entries[1]).not.toHaveProperty('failure')
  })

  it('contains the code of a cause, but no other part of the error', () => {
    const { report, answered, entries } = create()
    const error = Object.assign(new Error('sk-secret'), { token: 'sk-secret' })
    const request = get('/a')
    report?.({ ...UNNAMED, outcome: 'deny', cause: 'ECONNREFUSED' }, error, request)
    answered(request, 401)
    expect(entries).toMatchObject([{ outcome: 'deny', cause: 'ECONNREFUSED', status: 401 }])
    expect(JSON.stringify(entries)).not.toContain('sk-secret')
    expect(Reflect.ownKeys(entries[0] ?? {})).not.toContain('error')
  })

  it('does not delay other events', () => {
    const { report, entries } = create()
    report?.({ type: 'circuit', state: 'open', tokens: 'known' })
    report?.({ type: 'warning', message: 'careful' })
    expect(entries).toMatchObject([{ state: 'open' }, { message: 'careful' }])
  })
})

describe('the request id', () => {
  it('is created if missing, and reaches the upstream', async () => {
    const { report, follow, answered, entries } = create({ requestIdHeader: 'x-request-id' })
    const request = get('/a', undefined, { 'x-request-id': 'not valid' })
    report?.({ ...ALLOW }, undefined, request)
    await follow(upstream)(request)
    answered(request, 200)
    const [name, id] = passageOf(request)?.sentId ?? []
    expect(name).toBe('x-request-id')
    expect(id).toMatch(UUID)
    expect(entries).toMatchObject([{ requestId: id }])
  })

  it('is only logged if no header is named', async () => {
    const { report, follow, answered, entries } = create()
    const [request, rejected] = [get('/a'), get('/a')]
    report?.({ ...ALLOW }, undefined, request)
    report?.({ ...ALLOW, outcome: 'deny' }, undefined, rejected)
    await follow(upstream)(request)
    answered(request, 200)
    answered(rejected, 401)
    expect(passageOf(request)).not.toHaveProperty('sentId')
    const ids = entries.map((entry) => String(Reflect.get(entry, 'requestId')))
    expect(ids).toEqual([expect.stringMatching(UUID), expect.stringMatching(UUID)])
    expect(new Set(ids).size).toBe(2)
  })
})

it('logs a request that was rejected before the guard', () => {
  const { rejected, entries } = create()
  const rejection = { reason: 'endpoint_unproven', status: 503, cause: 'ECONNREFUSED' }
  const described = { path: '/a', method: 'PUT', requestId: 'req-1' }
  rejected(get('/a'), described, rejection)
  rejected(get('/b'), { path: '/b', method: 'GET' }, { reason: 'endpoint_unproven', status: 503 })
  const common = { type: 'decision', outcome: 'deny', reason: 'endpoint_unproven', status: 503 }
  const clientAddress = '192.0.2.7'
  expect(entries).toEqual([
    {
      ...common,
      clientAddress,
      method: 'PUT',
      requestId: 'req-1',
      path: '/a',
      cause: 'ECONNREFUSED',
    },
    {
      ...common,
      clientAddress,
      method: 'GET',
      path: '/b',
      requestId: expect.stringMatching(UUID) as string,
    },
  ])
})
