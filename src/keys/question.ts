import { readBody } from '../core/endpoint/response-body.ts'
import { isRecord } from '../core/endpoint/claim-path.ts'
import { parseJson } from '../core/endpoint/verdict.ts'

export interface KeyQuestion {
  readonly key: string
  readonly path: string
}

export type Rejection = readonly [status: 400 | 408 | 413, message: string]

const MAX_BYTES = 65_536
const BODY_TIMEOUT_MS = 10_000

const REJECTIONS = {
  too_long: [413, `The body is longer than ${MAX_BYTES} bytes`],
  timeout: [408, 'The body did not arrive in time'],
  broken: [400, 'The body broke off'],
  not_utf8: [400, 'The body is not UTF-8'],
} as const

/** Reads the POST that `withAuth` sends. */
export async function readKeyQuestion(request: Request): Promise<KeyQuestion | Rejection> {
  const body = await readJsonBody(request)
  return 'json' in body ? parseQuestion(body.json) : body
}

/** Reads a body of bounded length in bounded time. Ignores the content type: the body must be JSON, else `json` is undefined. */
export async function readJsonBody(
  request: Request,
): Promise<{ readonly json: unknown } | Rejection> {
  if (Number(request.headers.get('content-length')) > MAX_BYTES) return REJECTIONS.too_long
  const controller = new AbortController()
  const timer = setTimeout(() => controller.abort(), BODY_TIMEOUT_MS)
  try {
    const body = await readBody(request.body, controller.signal)
    return body.state === 'complete' ? { json: parseJson(body.text) } : REJECTIONS[body.state]
  } finally {
    clearTimeout(timer)
  }
}

function parseQuestion(json: unknown): KeyQuestion | Rejection {
  if (!isRecord(json)) return [400, 'The body must be a JSON object']
  const { api_key: key, request } = json
  if (typeof key !== 'string' || key === '') return [400, '"api_key" must be a non-empty string']
  if (!isRecord(request)) return [400, '"request" must be an object']
  const { path, headers, params } = request
  if (typeof path !== 'string') return [400, '"request.path" must be a string']
  if (!isRecord(headers)) return [400, '"request.headers" must be an object']
  if (!isRecord(params)) return [400, '"request.params" must be an object']
  return { key, path }
}
