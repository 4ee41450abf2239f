import { holdsPart } from '../core/endpoint/identity-faults.ts'

/** How our own keys begin. */
const KEY_PREFIX = 'withauth_'
const URL_START = /^https?:\/\//i
/** Controls except a line break, line ends, changes of direction, and what has no width. */
const OBEYED = /(?!\n)[\p{Cc}\xa0\xad\u061c\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff]/gu
const HIDDEN = '(hidden because it may be a secret)'

/** Quotes the name of a command or of an option for a message. A key in its place is hidden: it has digits, or is longer. */
export function showName(name: string): string {
  return /^-{0,2}[a-z][a-z-]{0,23}$/i.test(name) ? JSON.stringify(name) : HIDDEN
}

/** Quotes a value for a message. It shows only the origin of a URL, and hides a value that may be a secret. */
export function showValue(value: string): string {
  if (mayHoldSecret(value)) return HIDDEN
  const [, origin, rest = ''] = /^(https?:\/\/[^/?#]+)(.*)$/is.exec(value) ?? []
  if (origin === undefined) return JSON.stringify(value)
  return JSON.stringify(rest.length < 2 ? value : `${origin}/…`)
}

/** A URL without its query, which may hold a secret. Hides the path too, or all of it, if that may hold the key or another. */
export function showUrl(url: string, key?: string): string {
  const [, origin = '', path = ''] = /^(https?:\/\/[^/?]*)([^?]*)/i.exec(url) ?? []
  const decoded = path.replace(/%([\da-f]{2})/gi, (_, hex: string) =>
    String.fromCharCode(parseInt(hex, 16)),
  )
  const holdsKey = (text: string): boolean => key !== undefined && holdsPart(text, key)
  if (origin.includes(KEY_PREFIX) || holdsKey(origin)) return HIDDEN
  const isHidden = holdsKey(decoded) || decoded.split('/').some(mayHoldSecret)
  return escapeHidden(isHidden ? `${origin}/…` : url.replace(/\?.*/s, '?***'))
}

/** The path of a file for a message, unless it may be a secret. */
export function showFile(file: string): string {
  const isPath = /^(?:\.{0,2}[/\\]|[a-z]:\\)|\.[a-z]{1,8}$|^\.{1,2}$/i.test(file)
  // Elsewhere in a message a line break is ours.
  if (isPath && !file.includes(KEY_PREFIX)) return file.replaceAll('\n', String.raw`\n`)
  return showValue(file).replaceAll('"', '')
}

/** Escapes what a terminal obeys, but for line breaks. Inside the strings of JSON it changes no value. */
export function escapeHidden(text: string): string {
  return text.replace(OBEYED, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** A name as a terminal may show it: it may have characters that a terminal obeys. */
export function shown(text: string): string {
  return /^[\x20-\x7e]*$/.test(text) ? text : JSON.stringify(text).replace(/[^\x20-\x7e]/g, '?')
}

function mayHoldSecret(value: string): boolean {
  if (value.includes(KEY_PREFIX)) return true
  if (URL_START.test(value)) return value.includes('@')
  // Keys are long, or have a prefix such as `sk-` and digits behind it.
  return /\S{25,}|(?:^|[\s"'=])[a-z]+[-_](?=\S*\d)/i.test(value)
}
