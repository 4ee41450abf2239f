import type { Channel } from '../response/events.ts'

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
export function createFaultReport(
  notify: Channel['notify'],
): (fault: IdentityFault, token: string) => void {
  const reported = new Set<string>()
  return (fault, token) => {
    const wrong = faultMessage(fault, token)
    if (reported.size >= MOST || reported.has(wrong)) return
    reported.add(wrong)
    const dropped = DROPS_ALL.has(fault.field) ? 'an identity' : 'a field'
    const message = `The endpoint sent ${dropped} that was dropped: ${wrong}`
    notify({ type: 'warning', message })
  }
}

// A terminal obeys some characters that JSON leaves as they are.
function toAscii(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, escapeUnit)
}

function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
}
