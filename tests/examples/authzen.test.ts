import { createServer } from 'node:http'
import { json } from 'node:stream/consumers'
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { startEndpointWithKeys } from '../support/auth-endpoint.ts'
import { close, listen } from '../support/loopback.ts'
import { srvx } from './support/start.ts'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { EndpointWithKeys } from '../support/auth-endpoint.ts'
import type { RunningServer } from '../runtimes/support/server-process.ts'

describe('examples/authzen.ts asks a decision point', () => {
  let endpoint: EndpointWithKeys
  let point: DecisionPoint
  let server: RunningServer

  beforeAll(async () => {
    endpoint = await startEndpointWithKeys({ a1: 'alice', b1: 'bob' })
    point = await startDecisionPoint(
      ({ subject, action, resource }) =>
        subject.id === 'alice' || (action.name === 'GET' && resource.id === '/notes'),
    )
    const env = { AUTH_ENDPOINT: endpoint.url, DECISION_POINT: point.url }
    server = await srvx('authzen.ts')(inject('app'), env)
  })
  beforeEach(() => {
    point.asked.length = 0
    point.plan(undefined)
  })
  afterAll(async () => {
    await server.stop()
    await point.close()
    await endpoint.close()
  })

  async function ask(path: string, key?: string, method = 'GET'): Promise<[number, string]> {
    const headers: HeadersInit = key === undefined ? {} : { authorization: `Bearer ${key}` }
    const response = await fetch(server.url + path, { method, headers })
    const body = await response.text()
    return [response.status, /"code":"(\w+)"/.exec(body)?.[1] ?? body]
  }

  it('about each request of a known caller', async () => {
    expect(await ask('/notes', 'b1')).toEqual([200, 'Hello bob\n'])
    expect(await ask('/notes', 'b1', 'DELETE')).toEqual([403, 'forbidden'])
    expect(await ask('/admin?a=1', 'b1')).toEqual([403, 'forbidden'])
    expect(await ask('/admin', 'a1')).toEqual([200, 'Hello alice\n'])
    expect(point.asked[1]).toEqual({
      by: 'POST /access/v1/evaluation application/json',
      subject: { type: 'user', id: 'bob', properties: {} },
      action: { name: 'DELETE' },
      resource: { type: 'route', id: '/notes' },
    })
    expect(point.asked.map(({ resource }) => resource.id)).toEqual([
      '/notes',
      '/notes',
      '/admin',
      '/admin',
    ])
  })

  it('about nobody else', async () => {
    expect(await ask('/notes')).toEqual([401, 'missing_credentials'])
    expect(await ask('/notes', 'wrong')).toEqual([401, 'denied'])
    expect(point.asked).toEqual([])
  })

  it('and takes nothing but `true` for a yes', async () => {
    for (const decision of ['"true"', '1', 'null', '{}']) {
      point.plan({ body: `{"decision":${decision}}` })
      expect(await ask('/notes', 'a1')).toEqual([403, 'forbidden'])
    }
    point.plan({ body: '{}' })
    expect(await ask('/notes', 'a1')).toEqual([403, 'forbidden'])
    point.plan({ body: 'yes' })
    expect(await ask('/notes', 'a1')).toEqual([401, 'internal_error'])
  })

  it('and lets nobody in while it is out of order', async () => {
    for (const status of [201, 302, 400, 401, 500, 503]) {
      point.plan({ status, headers: { location: '/yes' }, body: '{"decision":true}' })
      expect(await ask('/notes', 'a1')).toEqual([503, 'service_error'])
    }
    await point.close()
    expect(await ask('/notes', 'a1')).toEqual([503, 'unreachable'])
  })
})

/** The question to a decision point (AuthZEN Authorization API 1.0 §5). */
interface Question {
  readonly subject: { readonly type: string; readonly id: string; readonly properties?: object }
  readonly action: { readonly name: string }
  readonly resource: { readonly type: string; readonly id: string }
}

interface Answer {
  readonly status?: number
  readonly headers?: Record<string, string>
  readonly body: string
}

type DecisionPoint = Awaited<ReturnType<typeof startDecisionPoint>>

/** Starts a decision point. The engines on npm need a server of their own, or do not speak AuthZEN. */
async function startDecisionPoint(permits: (question: Question) => boolean) {
  const asked: (Question & { readonly by: string })[] = []
  let planned: Answer | undefined
  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const question = (await json(request)) as Question
    const { method, url, headers: sent } = request
    asked.push({ ...question, by: `${method} ${url} ${sent['content-type']}` })
    const said = planned ?? { body: JSON.stringify({ decision: permits(question) }) }
    const headers = { 'content-type': 'application/json', ...said.headers }
    response.writeHead(said.status ?? 200, headers).end(said.body)
  }
  const server = createServer((request, response) => void answer(request, response))
  const port = await listen(server)
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    plan: (next: Answer | undefined): void => void (planned = next),
    close: () => close(server),
  }
}
