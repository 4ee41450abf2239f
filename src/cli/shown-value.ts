import { holdsUserinfo } from '../core/redaction.ts'
import { holdsPart } from '../core/endpoint/identity-faults.ts'

/** The prefix of keys made by `with-auth keys`. */
const KEY_PREFIX = 'withauth_'
/** Control characters except \n, other line ends, direction changes, and zero-width characters: a terminal obeys them. */
const OBEYED = /(?!\n)[\p{Cc}\xa0\xad\u061c\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff]/gu
const HIDDEN = '(hidden because it may be a secret)'

/** Quotes a command or option name for a message. Hides what cannot be a name, because it may be a key. */
export function showName(name: string): string {
  return /^-{0,2}[a-z][a-z-]{0,23}$/i.test(name) ? JSON.stringify(name) : HIDDEN
}

/** Quotes a value for a message. Shows only the origin of a URL. Hides a value that may be a secret. */
export function showValue(value: string): string {
  if (mayHoldSecret(value)) return HIDDEN
  const [, origin = '', rest = ''] = /^(https?:\/\/[^/?#]+)(.*)/is.exec(value) ?? []
  return JSON.stringify(rest.length < 2 ? value : `${origin}/…`)
}

/** A URL without its query. Hides the path, or the whole URL, if it may hold `key` or another secret. */
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

/** A file path for a message. Hides it if it may be a secret. */
export function showFile(file: string): string {
  const isPath = /^(?:\.{0,2}[/\\]|[a-z]:\\)|\.[a-z]{1,8}$/i.test(file)
  // A raw line break could forge a line of output.
  if (isPath && !file.includes(KEY_PREFIX) && !mayHoldUserinfo(file))
    return file.replaceAll('\n', String.raw`\n`)
  return showValue(file).replaceAll('"', '')
}

/** Escapes the characters that a terminal obeys, except \n. Inside a JSON string the value stays the same. */
export function escapeHidden(text: string): string {
  if (/^[\n\x20-\x7e]*$/.test(text)) return text
  return text.replace(OBEYED, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** A name that is safe to print on a terminal. */
export function shown(text: string): string {
  return /^[\x20-\x7e]*$/.test(text) ? text : JSON.stringify(text).replace(/[^\x20-\x7e]/g, '?')
}

function mayHoldSecret(value: string): boolean {
  if (value.includes(KEY_PREFIX) || mayHoldUserinfo(value)) return true
  if (/^https?:\/\//i.test(value)) return false
  // Keys are long, or start with a prefix such as `sk-` and contain digits.
  return /\S{25,}|(?:^|[\s"'=])[a-z]+[-_](?=\S*\d)/i.test(value)
}

// A drive of Windows has a colon too.
function mayHoldUserinfo(value: string): boolean {
  return holdsUserinfo(value) && !/^[a-z]:\\/i.test(value)
}
