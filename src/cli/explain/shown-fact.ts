import { isRecord } from '../../core/endpoint/claim-path.ts'
import { holdsPart } from '../../core/endpoint/identity-faults.ts'

const LONGEST = 100
const SHORTEST = 8
const SHORTEST_WORD = 4
const MOST_ITEMS = 8
const HIDDEN = '(hidden: it may hold a secret)'
/** A text that cannot be taken for two of them, or for none. */
const PLAIN = /^(?!none$)[\x21\x23-\x2b\x2d-\x7e]+$/
const UNITS = [
  ['day', 86_400],
  ['hour', 3600],
  ['minute', 60],
  ['second', 1],
] as const

/** A value of a token or a service, in one line and cut. */
export function showFact(value: unknown, longest: number = LONGEST): string {
  if (value === undefined) return 'none'
  const all = Array.isArray(value) ? value : [value]
  if (all.length === 0) return 'an empty list'
  const rest = all.length > MOST_ITEMS ? [`${all.length - MOST_ITEMS} more`] : []
  return [...all.slice(0, MOST_ITEMS).map((one) => showOne(one, longest)), ...rest].join(', ')
}

function showOne(value: unknown, longest: number): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? typeof value)
  const shown = text.slice(0, longest)
  const cut = shown.length < text.length ? '…' : ''
  const isPlain = typeof value !== 'string' || PLAIN.test(shown)
  return (isPlain ? shown : JSON.stringify(shown)) + cut
}

/** A time in milliseconds, as the clock on the wall shows it, and how far away it is. */
export function showTime(ms: number, now: number = Date.now()): string {
  const offset = -new Date(ms).getTimezoneOffset()
  const local = new Date(ms + offset * 60_000)
  // The last time of all is one more day in the east.
  if (Number.isNaN(local.getTime())) return 'no time that can be shown'
  const time = local.toISOString().slice(0, 19).replace('T', ' ')
  return `${time} ${showOffset(offset)} (${showDistance(ms - now)})`
}

function showOffset(minutes: number): string {
  const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60]
  const digits = [hours, rest].map((number) => String(number).padStart(2, '0'))
  return (minutes < 0 ? '-' : '+') + digits.join(':')
}

function showDistance(ms: number): string {
  const seconds = Math.floor(Math.abs(ms) / 1000)
  const [unit, length] = UNITS.find(([, one]) => seconds >= one) ?? ['second', 1]
  const count = Math.floor(seconds / length)
  if (count === 0) return 'now'
  const words = `${count} ${unit}${count === 1 ? '' : 's'}`
  return ms < 0 ? `${words} ago` : `in ${words}`
}

export function showDuration(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${Math.round(ms / 100) / 10} s`
}

/** Members whose own members a service or a token names. */
const NAMED_ELSEWHERE = new Set(['attributes', 'claims'])

/** Replaces each text in a value that holds a part of a secret, whoever sent it, also in an encoding. */
export function hideSecrets(value: unknown, secrets: readonly string[]): unknown {
  const tests = secrets.filter((secret) => secret !== '').map(createTest)
  const hide = (one: unknown, isNamedElsewhere = false): unknown => {
    if (typeof one === 'string') return tests.some((holds) => holds(one)) ? HIDDEN : one
    if (Array.isArray(one)) return one.map((item) => hide(item))
    if (!isRecord(one)) return one
    const members = Object.entries(one).map(([name, member]) => {
      const shown = isNamedElsewhere ? String(hide(name)) : name
      return [shown, hide(member, isNamedElsewhere || NAMED_ELSEWHERE.has(name))] as const
    })
    return Object.fromEntries(members)
  }
  return hide(value)
}

/** Whether a text holds a part of a secret, or of its base64, its hexadecimal digits or its percent-encoding. */
function createTest(secret: string): (text: string) => boolean {
  const isShort = secret.length < SHORTEST
  const encoded = encodingsOf(Buffer.from(secret))
  return (text) => {
    const plain = [text, decodePercent(text)].map((one) => one.replaceAll('\\', ''))
    const same = secret.replaceAll('\\', '')
    if (plain.some((one) => (isShort ? holdsWord(one, same) : holdsPart(one, same)))) return true
    const urlSafe = text.replaceAll('+', '-').replaceAll('/', '_')
    return encoded.some((one) =>
      one.length < SHORTEST ? urlSafe.includes(one) : holdsPart(urlSafe, one),
    )
  }
}

/** A part of a short secret would be in any text, and so would a short word. */
function holdsWord(text: string, secret: string): boolean {
  if (secret.length < SHORTEST_WORD) return text === secret
  const parts = text.toLowerCase().split(secret.toLowerCase())
  if (/[^a-z]/i.test(secret)) return parts.length > 1
  return parts.some((part, index) => {
    const next = parts[index + 1]
    return next !== undefined && !/[\da-z]$/.test(part) && !/^[\da-z]/.test(next)
  })
}

function decodePercent(text: string): string {
  return text.replace(/%([\da-f]{2})/gi, (_, hex: string) => String.fromCharCode(parseInt(hex, 16)))
}

/** The characters of each encoding that depend on nothing beside the secret, at each place in a longer text. */
function encodingsOf(secret: Buffer): readonly string[] {
  if (secret.length < SHORTEST_WORD) return []
  const inBase64 = [0, 1, 2].map((before) => {
    const bytes = Buffer.concat([Buffer.alloc(before), secret])
    const end = bytes.length % 3 === 0 ? undefined : -1
    return bytes.toString('base64url').slice(before === 0 ? 0 : before + 1, end)
  })
  return [...inBase64, secret.toString('hex')]
}
