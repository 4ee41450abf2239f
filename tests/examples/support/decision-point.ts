import { createServer } from 'node:http'
import { json } from 'node:stream/consumers'
import { close, listen } from '../../support/loopback.ts'
import type { IncomingMessage, ServerResponse } from 'node:http'

/** What a decision point is asked (AuthZEN Authorization API 1.0 §5). */
export interface Question {
  readonly subject: { readonly type: string; readonly id: string; readonly properties?: object }
  readonly action: { readonly name: string }
  readonly resource: { readonly type: string; readonly id: string }
}

interface Answer {
  readonly status?: number
  readonly headers?: Record<string, string>
  readonly body: string
}

export type DecisionPoint = Awaited<ReturnType<typeof startDecisionPoint>>

/**
 * Starts a decision point as AuthZEN 1.0 specifies it: it answers 400 to a malformed question and 200 to every other one. There
 * is none on npm: the engines there need a server of their own, or do not speak AuthZEN.
 */
export async function startDecisionPoint(permits: (question: Question) => boolean) {
  const asked: Question[] = []
  let planned: Answer | undefined
  async function answer(request: IncomingMessage): Promise<Answer> {
    if (request.url !== '/access/v1/evaluation') return { status: 404, body: '' }
    if (request.method !== 'POST') return { status: 405, body: '' }
    if (request.headers['content-type'] !== 'application/json') return { status: 400, body: '' }
    const question: unknown = await json(request).catch(() => undefined)
    if (!isQuestion(question)) return { status: 400, body: 'malformed' }
    asked.push(question)
    return planned ?? { body: JSON.stringify({ decision: permits(question) }) }
  }
  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { status = 200, headers, body } = await answer(request)
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body)
  }
  const server = createServer((request, response) => void serve(request, response))
  const port = await listen(server)
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    plan: (next: Answer | undefined): void => {
      planned = next
    },
    close: () => close(server),
  }
}

function isQuestion(value: unknown): value is Question {
  return (
    hasTexts(value, 'subject', ['type', 'id']) &&
    hasTexts(value, 'action', ['name']) &&
    hasTexts(value, 'resource', ['type', 'id'])
  )
}

function hasTexts(value: unknown, part: string, names: readonly string[]): boolean {
  const found: unknown = Reflect.get(Object(value), part)
  return names.every((name) => typeof Reflect.get(Object(found), name) === 'string')
}
