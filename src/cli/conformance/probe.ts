import { findErrorCode } from '../../core/redaction.ts'
import { readBody } from '../../core/endpoint/response-body.ts'

export interface ProbeTarget {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  /** For each question. */
  readonly timeoutMs: number
}

export interface ProbeOutcome {
  /** 0 without an answer. */
  readonly status: number
  readonly headers: Headers
  /** `undefined` if the body is too long, incomplete, too slow or not UTF-8. */
  readonly body?: string | undefined
  readonly durationMs: number
  /** Why there is no answer. */
  readonly silence?: {
    readonly reason: 'timeout' | 'unreachable'
    readonly code?: string | undefined
  }
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
    const { status, headers } = response
    const text = read.state === 'complete' ? read.text : undefined
    return { status, headers, body: text, durationMs: performance.now() - startedAt }
  } catch (error) {
    const silence = controller.signal.aborted
      ? ({ reason: 'timeout' } as const)
      : ({ reason: 'unreachable', code: findErrorCode(error) } as const)
    const durationMs = performance.now() - startedAt
    return { status: 0, headers: new Headers(), durationMs, silence }
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
