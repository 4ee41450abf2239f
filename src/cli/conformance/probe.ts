import { findCause } from '../../core/endpoint/failure-cause.ts'
import { readBody } from '../../core/endpoint/response-body.ts'

export interface ProbeTarget {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  /** For each question. */
  readonly timeoutMs: number
}

export type ProbeOutcome = ProbeAnswer | ProbeSilence

export interface ProbeAnswer {
  readonly kind: 'answer'
  readonly status: number
  readonly headers: Headers
  /** `undefined` if the body is too long, incomplete, too slow or not UTF-8. */
  readonly body: string | undefined
  readonly durationMs: number
}

export interface ProbeSilence {
  readonly kind: 'silence'
  readonly reason: 'timeout' | 'unreachable'
  readonly code?: string | undefined
  readonly durationMs: number
}

/** Sends one POST. Follows no redirect. Never rejects. */
export async function probe(target: ProbeTarget, body: string): Promise<ProbeOutcome> {
  const controller = new AbortController()
  const timer = setTimeout(() => controller.abort(), target.timeoutMs)
  const startedAt = performance.now()
  try {
    const { signal } = controller
    const response = await post(target, body, signal)
    const read = await readBody(response.body, signal)
    return {
      kind: 'answer',
      status: response.status,
      headers: response.headers,
      body: read.state === 'complete' ? read.text : undefined,
      durationMs: performance.now() - startedAt,
    }
  } catch (error) {
    const durationMs = performance.now() - startedAt
    if (controller.signal.aborted) return { kind: 'silence', reason: 'timeout', durationMs }
    return { kind: 'silence', reason: 'unreachable', code: findCause(error), durationMs }
  } finally {
    clearTimeout(timer)
  }
}

function post({ url, headers }: ProbeTarget, body: string, signal: AbortSignal): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: { ...headers, accept: 'application/json', 'content-type': 'application/json' },
    body,
    redirect: 'manual',
    signal,
  })
}
