import { hasUnknownCoding, isForGateway, namesInConnection } from './field-names.ts'
import type { UpstreamResponse } from './types.ts'

// The codings that a `fetch` decodes by itself.
const DECODED: ReadonlySet<string> = new Set(['gzip', 'x-gzip', 'deflate', 'br', 'identity'])
const WITHOUT_BODY: ReadonlySet<number> = new Set([204, 205, 304])

/**
 * Turns the upstream's response into one of the gateway: the status, the end-to-end fields, and the body as it comes. Throws for a
 * status that is not final, a transfer coding other than chunks, and a content coding that not every `fetch` decodes.
 *
 * @param decodesSilently Whether `fetch` leaves `Content-Encoding` there when it has decoded a body.
 */
export function passOn(
  response: UpstreamResponse,
  method: string,
  decodesSilently: boolean,
): Response {
  const { status, statusText } = response
  // Not every Response refuses such a one itself.
  if (status < 200 || status > 599) throw new RangeError('No final status (RFC 9110 §15)')
  if (hasUnknownCoding(response.headers)) throw new Error('Unknown transfer coding')
  const isEmpty = method === 'HEAD' || WITHOUT_BODY.has(status)
  const headers = copyFields(response.headers, decodesSilently)
  // It is of a body that is not sent (RFC 9110 §8.6); the answer to a HEAD says what a GET would be.
  if (WITHOUT_BODY.has(status)) headers.delete('content-length')
  if (isEmpty) discard(response)
  return new Response(isEmpty ? null : response.body, { status, statusText, headers })
}

/** Ends what will not be read. */
export function discard({ body }: UpstreamResponse): void {
  body?.cancel().catch(() => undefined)
}

function copyFields(fields: Headers, decodesSilently: boolean): Headers {
  const named = namesInConnection(fields)
  const headers = new Headers()
  for (const [name, value] of fields) {
    if (!isForGateway(name) && !named.has(name)) headers.append(name, value)
  }
  const coding = headers.get('content-encoding')
  if (coding === null || !decodesSilently) return headers
  const codings = coding.split(',').map((one) => one.trim().toLowerCase())
  if (!codings.every((one) => DECODED.has(one))) throw new Error('Unknown content coding')
  headers.delete('content-encoding')
  headers.delete('content-length')
  return headers
}
