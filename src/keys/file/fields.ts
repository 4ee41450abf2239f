import { isMap, isScalar, isSeq } from 'yaml'
import { isPathPrefix, PREFIX_FORM } from '../paths.ts'
import { parseTimestamp, TIMESTAMP_FORM } from '../times.ts'
import type { Node, YAMLMap } from 'yaml'
import type { StoredKey } from '../record.ts'

/** Says what is wrong with a node. */
export type Report = (node: unknown, message: string) => undefined

/** The fields of a key, and how each is read. `undefined` for what is wrong, which has been reported then. */
type FieldReaders = {
  readonly [Name in keyof StoredKey]-?: (
    node: Node | null,
    report: Report,
  ) => StoredKey[Name] | undefined
}

const MAX_PRINCIPAL_LENGTH = 256
// The guard reads 64 KiB of an answer, and each of these may become six bytes of JSON.
const MAX_ATTRIBUTES_LENGTH = 8192

const READERS: FieldReaders = {
  id: (node, report) => readId('id', node, report),
  prefix: (node, report) =>
    readText(node, report, '"prefix" must be 1 to 32 visible characters', isVisible),
  principal: (node, report) =>
    readText(node, report, `"principal" must be ${PRINCIPAL_FORM}`, isPrincipal),
  attributes: readAttributes,
  paths: readPaths,
  created: (node, report) => readTime('created', node, report),
  expires: (node, report) => readTime('expires', node, report),
  revoked: (node, report) =>
    isScalar(node) && node.value === true ? true : readTime('revoked', node, report),
  successor: (node, report) => readId('successor', node, report),
  sha256: (node, report) =>
    readText(node, report, '"sha256" must be 64 hex digits', isHexDigest)?.toLowerCase(),
}
const REQUIRED = ['id', 'principal', 'sha256'] as const

/** What {@link isPrincipal} takes, for messages. */
export const PRINCIPAL_FORM: string = `a text of 1 to ${MAX_PRINCIPAL_LENGTH} characters, none of them a control character`
/** What {@link isAttributes} takes, for messages. */
export const ATTRIBUTES_FORM: string = `names with lists of texts, such as { roles: [admin] }, of at most ${MAX_ATTRIBUTES_LENGTH} characters in all`

export function isPrincipal(text: string): boolean {
  // oxlint-disable-next-line no-control-regex
  return text !== '' && text.length <= MAX_PRINCIPAL_LENGTH && !/[\x00-\x1f\x7f]/.test(text)
}

export function isAttributes(value: unknown): value is Readonly<Record<string, readonly string[]>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const lists: readonly unknown[] = Object.values(value)
  return lists.every(isTextList) && JSON.stringify(value).length <= MAX_ATTRIBUTES_LENGTH
}

/** Reads one key of the file. `undefined` if anything about it is wrong: no half of it is used. */
export function readStoredKey(map: YAMLMap, report: Report): StoredKey | undefined {
  const found: Record<string, unknown> = {}
  let isSound = true
  for (const { key, value } of map.items) {
    const name = String(key)
    const read = readField(name, value as Node | null, report, key)
    if (read === undefined) isSound = false
    found[name] = read
  }
  const missing = REQUIRED.filter((name) => !Object.hasOwn(found, name))
  if (missing.length > 0) report(map, `${missing.map((name) => `"${name}"`).join(', ')} is missing`)
  if (!isSound || missing.length > 0) return undefined
  // Each field was read by its reader, and what is required is there.
  return { attributes: emptyAttributes(), ...found } as unknown as StoredKey
}

function readField(name: string, node: Node | null, report: Report, key: unknown): unknown {
  if (!isFieldName(name)) {
    const known = Object.keys(READERS).join(', ')
    return report(key, `There is no field ${showName(key)}: known are ${known}`)
  }
  return READERS[name](node, report)
}

/** A name for messages; but what may be a key in the wrong place is not shown. */
export function showName(key: unknown): string {
  const name = String(key)
  return /^[a-z_]{1,24}$/i.test(name) ? `"${name}"` : 'so (it is not shown)'
}

function isFieldName(name: string): name is keyof StoredKey {
  return Object.hasOwn(READERS, name)
}

function readText(
  node: Node | null,
  report: Report,
  message: string,
  isAllowed: (text: string) => boolean,
): string | undefined {
  const value = isScalar(node) ? node.value : undefined
  if (typeof value === 'string' && isAllowed(value)) return value
  // `principal: 007` is a number, and would become another name.
  const hint = typeof value === 'number' || typeof value === 'boolean' ? ': put it in quotes' : ''
  return report(node, `${message}${hint}`)
}

function readId(name: string, node: Node | null, report: Report): string | undefined {
  return readText(node, report, `"${name}" must be 1 to 64 letters, digits, _, . or -`, isId)
}

function readTime(name: string, node: Node | null, report: Report): string | undefined {
  const orTrue = name === 'revoked' ? ', or true' : ''
  return readText(node, report, `"${name}" must be ${TIMESTAMP_FORM}${orTrue}`, isTime)
}

function readAttributes(node: Node | null, report: Report): StoredKey['attributes'] | undefined {
  const attributes = emptyAttributes()
  const value: unknown = isMap(node) ? node.toJSON() : undefined
  if (!isAttributes(value)) return report(node, `"attributes" must be ${ATTRIBUTES_FORM}`)
  for (const [name, list] of Object.entries(value)) attributes[name] = Object.freeze([...list])
  return Object.freeze(attributes)
}

function readPaths(node: Node | null, report: Report): readonly string[] | undefined {
  const value: unknown = isSeq(node) ? node.toJSON() : undefined
  if (isPathPrefixes(value)) return Object.freeze([...value])
  return report(node, `"paths" must be a list of at least one, each ${PREFIX_FORM}`)
}

export function isPathPrefixes(value: unknown): value is readonly string[] {
  return isTextList(value) && value.length > 0 && value.every(isPathPrefix)
}

function isTextList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}

function isTime(text: string): boolean {
  return parseTimestamp(text) !== undefined
}

function isId(text: string): boolean {
  return /^[\w.-]{1,64}$/.test(text)
}

function isVisible(text: string): boolean {
  return /^[\x21-\x7e]{1,32}$/.test(text)
}

function isHexDigest(text: string): boolean {
  return /^[\da-f]{64}$/i.test(text)
}

// Without a prototype `__proto__` is a name like any other.
function emptyAttributes(): Record<string, readonly string[]> {
  return Object.create(null) as Record<string, readonly string[]>
}
