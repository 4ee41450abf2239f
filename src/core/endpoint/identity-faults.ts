import { createLimit } from '../limit.ts'
import { escapeUnits } from '../redaction.ts'
import type { TransportResponse, VerifierRun } from '../verifier.ts'

/** A part of an identity that has the wrong type. Never holds the value. */
export interface IdentityFault {
  /** With `body`, `principal` and `attributes` the whole identity is dropped, with others only the field. */
  readonly field: string
  /** The attribute, by the name that the endpoint sent: any text of any length. */
  readonly name?: string
  readonly expected: string
}

export type OnFault = (fault: IdentityFault) => void

/** The most faults that one wrapper reports. An endpoint that invents names must not fill the memory or the log. */
const MOST = 16
const LONGEST_NAME = 64
const DROPS_ALL: ReadonlySet<string> = new Set(['body', 'principal', 'attributes'])

/** A text that has this many characters of the token in a row counts as a part of it. */
const SHARED = 8

/** Whether a text holds a part of the token, in any case. All of a short token is a part. */
export function holdsPart(text: string, token: string): boolean {
  const inText = text.toLowerCase()
  const inToken = token.toLowerCase()
  const length = Math.min(SHARED, token.length)
  for (let at = 0; at + length <= inText.length; at += 1) {
    if (inToken.includes(inText.slice(at, at + length))) return true
  }
  return false
}

/** Says which field must be what, in printable ASCII. Hides the name of an attribute that holds a part of the token. */
export function faultMessage({ field, name, expected }: IdentityFault, token: string): string {
  if (name === undefined) return `"${field}" must be ${expected}`
  if (holdsPart(name.slice(0, LONGEST_NAME + SHARED), token)) {
    return `"${field}.?" must be ${expected} (its name is not shown)`
  }
  const shown = name.length > LONGEST_NAME ? `${name.slice(0, LONGEST_NAME)}...` : name
  return `${toAscii(JSON.stringify(`${field}.${shown}`))} must be ${expected}`
}

/** Makes a function that reports a dropped identity, once for each field and expected type. */
export function createFaultReport(): (
  fault: IdentityFault,
  token: string,
  run: Pick<VerifierRun, 'warn'>,
) => void {
  const isNew = createLimit(MOST, Infinity)
  return (fault, token, { warn }) => {
    const wrong = faultMessage(fault, token)
    if (!isNew(wrong)) return
    const dropped = DROPS_ALL.has(fault.field) ? 'an identity' : 'a field'
    warn?.(`The endpoint sent ${dropped} that was dropped: ${wrong}`)
  }
}

// A terminal obeys some characters that JSON leaves as they are.
function toAscii(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, escapeUnits)
}

const MINUTE_MS = 60_000
const REDIRECT = 300
// Some runtimes give a redirect the status 0. A 304 leads nowhere.
const REDIRECTS: ReadonlySet<number> = new Set([0, REDIRECT, 301, 302, 303, 307, 308])

/**
 * Makes a function that warns, at most once a minute, of a status that does not answer a question. Such a status denies, and
 * `endpoint` most likely leads elsewhere. The warning speaks of every question only after a minute without another status.
 */
export function createStatusReport(
  url: string,
): (response: TransportResponse, run: Pick<VerifierRun, 'warn'>) => void {
  const seenAt = new Map<number, number>()
  const isDue = createLimit(1)
  let usualAt = -Infinity
  return ({ status, redirected }, { warn }) => {
    const now = performance.now()
    if (redirected !== true && isUsual(status)) {
      usualAt = now
      return
    }
    const odd = redirected === true ? REDIRECT : status
    seenAt.set(odd, now)
    if (!isDue('')) return
    for (const [old, at] of seenAt) if (now - at >= MINUTE_MS) seenAt.delete(old)
    const answers = redirected === true ? 'redirects' : `answers ${status} to`
    const isEvery = seenAt.size === 1 && now - usualAt >= MINUTE_MS
    const often = isEvery ? 'every question' : 'some questions'
    // Its path and query may be secrets.
    const { origin } = new URL(url)
    warn?.(`the auth endpoint ${origin} ${answers} ${often}: ${adviceOn(odd)}`)
  }
}

function isUsual(status: number): boolean {
  return [200, 401, 403, 429].includes(status) || (status >= 500 && status <= 599)
}

function adviceOn(status: number): string {
  if (status === 404 || status === 405) return 'is its path right?'
  if (REDIRECTS.has(status)) return 'set "endpoint" to the URL that it redirects to'
  if (status >= 200 && status <= 399) return 'only 200 allows'
  return 'does it expect another body? A denial is 401 or 403'
}
