import { within } from '../core/async.ts'
import { isNotFraming } from './upgrade.ts'

/** A rejection in the form that Node's own responses take. */
interface NodeRejection {
  readonly status: number
  readonly headers: Record<string, string | string[]>
  /** Empty if the body from `respond` broke off, or did not end in time. */
  readonly body: Buffer
}

// Node rejects a trailer without chunks, and the others are about its connection.
const UNSENDABLE: ReadonlySet<string> = new Set(['trailer', 'keep-alive', 'upgrade'])
// Bounds an endless body from `respond`.
const BODY_MS = 10_000

/** Reads a rejection as a whole. Never rejects. The server frames the body itself, so headers about that are left out. */
export async function readRejection(
  response: Response,
  bodyMs: number = BODY_MS,
): Promise<NodeRejection> {
  const reading = response.arrayBuffer().catch(() => undefined)
  const body = Buffer.from((await within(bodyMs, reading)) ?? new ArrayBuffer(0))
  const headers: NodeRejection['headers'] = Object.fromEntries(
    [...response.headers].filter(isNotFraming).filter(isSendable),
  )
  const cookies = response.headers.getSetCookie()
  // A list, since cookies cannot be joined by commas (RFC 6265 §3).
  if (cookies.length > 0) headers['set-cookie'] = cookies
  return { status: response.status, headers, body }
}

/** Whether Node sends a field. `Headers` of Fetch takes more. */
function isSendable([name, value]: readonly [string, string]): boolean {
  return !UNSENDABLE.has(name) && /^[\t\x20-\x7e\x80-\xff]*$/.test(value)
}
