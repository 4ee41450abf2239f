import { isRecord } from '../../core/endpoint/claim-path.ts'
import { holdsPart } from '../../core/endpoint/identity-faults.ts'

const LONGEST = 100
const SHORTEST = 8
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
export function showTime(time: number, now: number = Date.now()): string {
  const date = new Date(time)
  if (Number.isNaN(date.getTime())) return 'no time that can be shown'
  const offset = -date.getTimezoneOffset()
  const local = new Date(time + offset * 60_000).toISOString().slice(0, 19).replace('T', ' ')
  return `${local} ${showOffset(offset)} (${showDistance(time - now)})`
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

/** Replaces each text in a value that holds a part of a secret, whoever sent it. */
export function hideSecrets(value: unknown, secrets: readonly string[]): unknown {
  if (typeof value === 'string') return holdsSecret(value, secrets) ? HIDDEN : value
  if (Array.isArray(value)) return value.map((one) => hideSecrets(one, secrets))
  if (!isRecord(value)) return value
  const members = Object.entries(value).map((member) => hideSecrets(member, secrets))
  return Object.fromEntries(members as [string, unknown][])
}

// A part of a shorter one would be in any text.
function holdsSecret(text: string, secrets: readonly string[]): boolean {
  return secrets.some((secret) =>
    secret.length < SHORTEST ? text === secret : holdsPart(text, secret),
  )
}
