import { isCollection, isScalar } from 'yaml'
import { emptyRecord } from '../../core/runtime.ts'
import { isTenant, TENANT_FORM } from '../../verifiers/tenant-name.ts'
import { isRecord } from '../../core/endpoint/claim-path.ts'
import { isPathPrefixes, PREFIX_FORM } from '../paths.ts'
import { KEY_PREFIX } from '../secret.ts'
import { parseTimestamp, TIMESTAMP_FORM } from '../times.ts'
import type { YAMLMap } from 'yaml'
import type { StoredKey } from '../record.ts'

/** Reports a problem at a node of the document, or at an offset of the text. */
export type Report = (at: unknown, message: string) => undefined

interface Field<Value> {
  readonly form: string
  /** Returns `undefined` for a value that is not allowed. */
  readonly parse: (value: unknown) => Value | undefined
  readonly isText: boolean
}

const MAX_PRINCIPAL_LENGTH = 256
const MAX_NAME_LENGTH = 100
// `withAuth` reads at most 64 KiB of an answer, and JSON may need six bytes for a character.
const MAX_ATTRIBUTES_LENGTH = 8192

export const PRINCIPAL_FORM: string = `a text of 1 to ${MAX_PRINCIPAL_LENGTH} characters without control characters`
export const NAME_FORM: string = `a text of 1 to ${MAX_NAME_LENGTH} characters without control characters, and not a key`
export const ATTRIBUTES_FORM: string = `names with lists of texts, such as { roles: [admin] }, of at most ${MAX_ATTRIBUTES_LENGTH} characters in all`

export const ID_FORM = '1 to 64 letters, digits, _, . or -'
const ID = text(ID_FORM, isId)
const TIME = text(TIMESTAMP_FORM, (value) => parseTimestamp(value) !== undefined)
const SHA256 = text('64 hex digits', (value) => /^[\da-f]{64}$/i.test(value))

const FIELDS: { readonly [Name in keyof StoredKey]-?: Field<StoredKey[Name]> } = {
  id: ID,
  prefix: text('1 to 32 visible characters', (value) => /^[\x21-\x7e]{1,32}$/.test(value)),
  name: text(NAME_FORM, isName),
  principal: text(PRINCIPAL_FORM, isPrincipal),
  tenant: text(TENANT_FORM, isTenant),
  attributes: { form: ATTRIBUTES_FORM, parse: parseAttributes, isText: false },
  paths: { form: `a list of at least one, each ${PREFIX_FORM}`, parse: parsePaths, isText: false },
  created: TIME,
  expires: TIME,
  revoked: {
    ...TIME,
    form: `${TIMESTAMP_FORM}, or true`,
    parse: (value) => (value === true ? true : TIME.parse(value)),
  },
  successor: ID,
  sha256: { ...SHA256, parse: (value) => SHA256.parse(value)?.toLowerCase() },
}
const REQUIRED = ['id', 'principal', 'sha256'] as const

export function isId(value: unknown): value is string {
  return typeof value === 'string' && /^[\w.-]{1,64}$/.test(value)
}

export function isPrincipal(value: unknown): value is string {
  if (typeof value !== 'string') return false
  // oxlint-disable-next-line no-control-regex
  return value !== '' && value.length <= MAX_PRINCIPAL_LENGTH && !/[\x00-\x1f\x7f]/.test(value)
}

/** A name is shown wherever its key is, so that it must not be the key itself. */
export function isName(value: unknown): value is string {
  if (typeof value !== 'string' || value.includes(KEY_PREFIX)) return false
  return value !== '' && value.length <= MAX_NAME_LENGTH && !/[\p{Cc}\u2028\u2029]/u.test(value)
}

export function isAttributes(value: unknown): value is Readonly<Record<string, readonly string[]>> {
  if (!isRecord(value) || !Object.values(value).every(isTextList)) return false
  return JSON.stringify(value).length <= MAX_ATTRIBUTES_LENGTH
}

/** Reads one entry. Returns `undefined` if a field is invalid, missing or unknown: an entry counts as a whole. */
export function readStoredKey(map: YAMLMap, report: Report): StoredKey | undefined {
  const found: Record<string, unknown> = {}
  let isValid = true
  for (const { key, value } of map.items) {
    const name = String(key)
    const read = isFieldName(name)
      ? readField(name, value, report)
      : report(key, unknown('field', key, Object.keys(FIELDS).join(', ')))
    if (read === undefined) isValid = false
    found[name] = read
  }
  const missing = REQUIRED.filter((name) => !Object.hasOwn(found, name))
  if (missing.length > 0) report(map, `Missing: ${missing.map((name) => `"${name}"`).join(', ')}`)
  if (!isValid || missing.length > 0) return undefined
  return toStoredKey(found)
}

/** Checks a key of a database. Returns what is wrong with it as a text. */
export function parseStoredKey(value: unknown): StoredKey | string {
  if (!isRecord(value)) return 'it is not an object'
  const extra = Object.keys(value).find((name) => !isFieldName(name))
  if (extra !== undefined) return unknown('field', extra, Object.keys(FIELDS).join(', '))
  const found: Record<string, unknown> = {}
  // The fields of a class may be getters on its prototype.
  for (const name of Object.keys(FIELDS).filter(isFieldName)) {
    const field: unknown = Reflect.get(value, name)
    if (field === undefined || field === null) continue
    found[name] = parseField(name, field)
    if (found[name] === undefined) return `"${name}" must be ${formOf(name)}`
  }
  return completeKey(found)
}

/** Returns the value of a field, or `undefined` if it is not allowed. */
export function parseField(name: keyof StoredKey, value: unknown): unknown {
  return FIELDS[name].parse(value)
}

export function formOf(name: keyof StoredKey): string {
  return FIELDS[name].form
}

/** Makes a key of parsed fields. Returns what is missing as a text. */
export function completeKey(found: object): StoredKey | string {
  const missing = REQUIRED.find((name) => !Object.hasOwn(found, name))
  return missing === undefined ? toStoredKey(found) : `"${missing}" is missing`
}

// `FIELDS` parsed each field, and the required ones are present.
function toStoredKey(found: object): StoredKey {
  return { attributes: emptyRecord<readonly string[]>(), ...found } as unknown as StoredKey
}

function readField(name: keyof StoredKey, node: unknown, report: Report): unknown {
  const { form, parse, isText } = FIELDS[name]
  const scalar = isScalar(node) ? node.value : undefined
  const value: unknown = isCollection(node) ? node.toJSON() : scalar
  const parsed = parse(value)
  if (parsed !== undefined) return parsed
  // YAML reads `principal: 007` as the number 7.
  const isQuotable = isText && ['number', 'boolean'].includes(typeof value)
  return report(node, `"${name}" must be ${form}${isQuotable ? ': put it in quotes' : ''}`)
}

/** The message for an unknown name. Hides a name that may be a key in the wrong place. */
export function unknown(kind: string, key: unknown, expected: string): string {
  const name = String(key)
  const shown = /^[a-z_]{1,24}$/i.test(name) ? `"${name}"` : '(hidden because it may be a secret)'
  return `Unknown ${kind} ${shown}: expected ${expected}`
}

function isFieldName(name: string): name is keyof StoredKey {
  return Object.hasOwn(FIELDS, name)
}

function text(form: string, isAllowed: (value: string) => boolean): Field<string> {
  const parse = (value: unknown): string | undefined =>
    typeof value === 'string' && isAllowed(value) ? value : undefined
  return { form, parse, isText: true }
}

function parseAttributes(value: unknown): StoredKey['attributes'] | undefined {
  if (!isAttributes(value)) return undefined
  const attributes = emptyRecord<readonly string[]>()
  for (const [name, list] of Object.entries(value)) attributes[name] = Object.freeze([...list])
  return Object.freeze(attributes)
}

function parsePaths(value: unknown): readonly string[] | undefined {
  return isPathPrefixes(value) ? Object.freeze([...value]) : undefined
}

function isTextList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}
