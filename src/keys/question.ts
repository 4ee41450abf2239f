import { readBody } from '../core/endpoint/response-body.ts'
import { parseJson } from '../core/endpoint/verdict.ts'

/** What of a question decides; or why it is none, as a status and a sentence. */
export type KeyQuestion =
  | { readonly isValid: true; readonly key: string; readonly path: string }
  | { readonly isValid: false; readonly status: 400 | 408 | 413; readonly message: string }

const MAX_BYTES = 65_536
// Of a client that sends its body slowly, or never ends it.
const BODY_MS = 10_000

const REFUSALS = {
  too_long: [413, `The body is longer than ${MAX_BYTES} bytes`],
  timeout: [408, 'The body did not come in time'],
  broken: [400, 'The body broke off'],
  not_utf8: [400, 'The body is not UTF-8'],
} as const

/** Reads what a guard asks. Its content type is not looked at: no client of the contract sends anything but JSON. */
export async function readKeyQuestion(
  request: Request,
  bodyMs: number = BODY_MS,
): Promise<KeyQuestion> {
  if (Number(request.headers.get('content-length')) > MAX_BYTES) return refuse('too_long')
  const controller = new AbortController()
  const timer = setTimeout(() => controller.abort(), bodyMs)
  try {
    const body = await readBody(request.body, controller.signal)
    return body.state === 'complete' ? parseQuestion(parseJson(body.text)) : refuse(body.state)
  } finally {
    clearTimeout(timer)
  }
}

function parseQuestion(json: unknown): KeyQuestion {
  if (!isRecord(json)) return invalid('The body must be a JSON object')
  const { api_key: key, request } = json
  if (typeof key !== 'string' || key === '') return invalid('"api_key" must be a non-empty string')
  if (!isRecord(request)) return invalid('"request" must be an object')
  if (typeof request['path'] !== 'string') return invalid('"request.path" must be a string')
  if (!isRecord(request['headers'])) return invalid('"request.headers" must be an object')
  if (!isRecord(request['params'])) return invalid('"request.params" must be an object')
  return { isValid: true, key, path: request['path'] }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function refuse(state: keyof typeof REFUSALS): KeyQuestion {
  const [status, message] = REFUSALS[state]
  return { isValid: false, status, message }
}

function invalid(message: string): KeyQuestion {
  return { isValid: false, status: 400, message }
}
