import { emptyRecord } from '../../core/runtime.ts'
import { isRecord } from '../../core/endpoint/claim-path.ts'
import { splitScope } from '../../core/endpoint/identity.ts'
import { parseJson } from '../../core/endpoint/verdict.ts'
import { trimBlanks } from '../../core/request/credentials.ts'
import { fromHeaderValue } from './header-text.ts'
import type { AttributeHeader } from './attribute-headers.ts'
import type { NameEncoding } from './signature.ts'

/** Why the value of a header is refused. */
export interface Refused {
  readonly why: string
}

/** Whether a value was refused. */
export function isRefused(value: string | object | undefined): value is Refused {
  return typeof value === 'object' && 'why' in value
}

const ASCII = /^[\x20-\x7e]*$/
const NO_CHARACTER = /[\p{Cc}\p{Cs}]/u
// Fetch joins two headers of one name with a comma and a blank. Blanks at the ends are gone here.
const JOINED = /, |,$/

const NOT_UTF8: Refused = { why: 'is not UTF-8' }
const NOT_PLAIN: Refused = { why: 'has a comma, or a character that is not printable ASCII' }
const CONTROL: Refused = { why: 'has a control character' }
const TWICE: Refused = {
  why: 'came twice, or has a comma with a blank behind it, which looks the same',
}
const ENCODED: Refused = { why: 'is not percent-encoded as the gateway does it' }
const COMMA: Refused = {
  why: 'has a comma: if it is a list, write { attribute, separator: "," } in place of the name of the attribute',
}
const NOT_JSON: Refused = { why: 'is neither a JSON list of texts nor a JSON text' }

/** A principal as it was sent, in UTF-8. */
export function readName(value: string): string | Refused {
  return JOINED.test(value) ? TWICE : readText(value)
}

/** A text in UTF-8. */
function readText(value: string): string | Refused {
  const text = fromHeaderValue(value)
  if (text === undefined) return NOT_UTF8
  return NO_CHARACTER.test(text) ? CONTROL : text
}

/** A tenant, a client ID or a scope as it was sent. Two headers are joined with a comma. */
export function readPlainName(value: string): string | Refused {
  return isPlain(value) ? value : NOT_PLAIN
}

function isPlain(value: string): boolean {
  return ASCII.test(value) && !value.includes(',')
}

/** A name, percent-decoded as the gateway encodes it. */
export function decodeName(value: string): string | Refused {
  const name = isPlain(value) ? decode(value) : ''
  return name === '' || NO_CHARACTER.test(name) ? ENCODED : name
}

function decode(value: string): string {
  try {
    return decodeURIComponent(value)
  } catch {
    return ''
  }
}

type ReadName = (value: string) => string | Refused

/**
 * How the principal and other names are read. Only our gateway signs, and its signature says how it wrote them. It covers a comma as
 * well. From another proxy `a%20b` is a name of its own, and not `a b`.
 */
export function readersOf(
  encoding: NameEncoding | undefined,
): readonly [principal: ReadName, other: ReadName] {
  if (encoding === 'percent') return [decodeName, decodeName]
  return encoding === 'utf-8' ? [readText, readText] : [readName, readPlainName]
}

/** The scopes of a header, or `undefined` without any. */
export function readScopes(
  value: string,
  readScope: (value: string) => string | Refused,
): readonly string[] | undefined | Refused {
  const scopes: string[] = []
  for (const part of splitScope(value)) {
    const scope = readScope(part)
    if (isRefused(scope)) return scope
    scopes.push(scope)
  }
  return scopes.length === 0 ? undefined : scopes
}

/** Attributes from a JSON object of texts and lists of texts. `undefined` for anything else. */
export function readAttributes(
  value: string,
): Readonly<Record<string, readonly string[]>> | undefined {
  const json = ASCII.test(value) ? parseJson(value) : undefined
  if (!isRecord(json)) return undefined
  const attributes = emptyRecord<readonly string[]>()
  for (const [name, member] of Object.entries(json)) {
    const values = typeof member === 'string' ? [member] : member
    if (!isTexts(values)) return undefined
    attributes[name] = values
  }
  return attributes
}

/** The values of one attribute, in the form that was said. */
export function readValues(
  value: string,
  { separator, isJson }: AttributeHeader,
): readonly string[] | Refused {
  const text = readText(value)
  if (typeof text !== 'string') return text
  if (isJson) return readJsonTexts(text)
  if (separator === undefined) return text.includes(',') ? COMMA : [text]
  return text
    .split(separator)
    .map(trimBlanks)
    .filter((part) => part !== '')
}

function readJsonTexts(text: string): readonly string[] | Refused {
  const json = parseJson(text)
  if (typeof json === 'string') return [json]
  return isTexts(json) ? json : NOT_JSON
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}
