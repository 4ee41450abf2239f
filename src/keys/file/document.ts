import { Document, isMap, isNode, isScalar, isSeq, LineCounter, visit } from 'yaml'
import { parseYaml } from '../../files/yaml-text.ts'
import { malformed } from '../error.ts'
import { readStoredKey, unknown } from './fields.ts'
import type { Pair } from 'yaml'
import type { KeyFileProblem } from '../error.ts'
import type { StoredKey } from '../record.ts'
import type { Report } from './fields.ts'

/** A file of keys: as a document with its comments, and as values. */
export interface KeyDocument {
  readonly document: Document
  readonly keys: StoredKey[]
}

/** The parts of a file that were parsed before this one: the lines, and the ids and hashes of the keys. */
export interface Earlier {
  readonly lines: number
  readonly ids: Set<string>
  readonly hashes: Set<string>
}

export const NEW_FILE = `# The keys of this service. The file holds the SHA-256 of each key, never the key.
keys: []
`
const FORMAT = { lineWidth: 0, flowCollectionPadding: false }
const MAX_PROBLEMS = 100
const HAS_MORE = true
const NO_LIST = 'The list "keys" is missing; without keys write "keys: []"'

/**
 * Parses a file of keys. One mistake makes the whole file invalid: it may be in the line that was to revoke a key.
 *
 * @param name The name of the file for messages.
 * @param earlier Gets the ids and hashes of these keys too.
 * @throws KeyFileError with the first 100 problems.
 */
export function parseKeys(text: string, name: string, earlier?: Earlier): KeyDocument {
  const lines = new LineCounter()
  const problems: KeyFileProblem[] = []
  const report: Report = (at, message) => {
    if (problems.length === MAX_PROBLEMS) throw malformed(name, problems, HAS_MORE)
    const { line, col } = lines.linePos(typeof at === 'number' ? at : startOf(at))
    const before = earlier?.lines ?? 0
    problems.push({ line: before + Math.max(1, line), column: Math.max(1, col), message })
  }
  const throwProblems = (): void => {
    if (problems.length > 0) throw malformed(name, problems)
  }
  const document = parseDocument(text, lines, report)
  throwProblems()
  separateFirstComment(document, text)
  const keys = readKeys(document, report, earlier)
  throwProblems()
  return { document, keys }
}

/** @throws KeyFileError */
export function formatDocument(document: Document, file: string): string {
  const text = document.toString(FORMAT)
  // A text that cannot be read again must not be written.
  parseKeys(text, file)
  return text
}

function parseDocument(text: string, lines: LineCounter, report: Report): Document {
  const parsed = parseYaml(text, lines, { stringKeys: true })
  if (typeof parsed === 'string') return report(0, parsed) ?? new Document()
  const { document, second } = parsed
  // The messages of the parser may quote the text, which may hold a key.
  for (const { code, pos } of [...document.errors, ...document.warnings]) {
    report(pos[0], `Invalid YAML (${code})`)
  }
  if (second !== undefined) report(second.range[0], 'A second document begins here: remove it')
  visit(document, {
    Alias: (_, alias) => report(alias, 'Aliases are not allowed: write the value out'),
    Map: (_, { items }) => reportRepeated(items, report),
  })
  return document
}

// The parser joins a comment after `keys:` with one of the first key. A blank line keeps them apart.
function separateFirstComment(document: Document, text: string): void {
  const list = isMap(document.contents) ? document.get('keys', true) : undefined
  if (!isSeq(list) || list.flow === true || !/^keys:[ \t]+#/m.test(text)) return
  const [, first = '', rest = ''] = /^(.*)\n*([^]*)$/.exec(list.commentBefore ?? '') ?? []
  list.commentBefore = rest === '' ? `${first}\n` : `${first}\n\n${rest}`
}

// Of two values for one name the parser takes the last.
function reportRepeated(pairs: readonly Pair[], report: Report): void {
  const seen = new Set<unknown>()
  for (const { key } of pairs) {
    const name = isScalar(key) ? key.value : key
    if (seen.has(name)) report(key, 'This mapping has the same name twice: remove one')
    seen.add(name)
  }
}

function readKeys(document: Document, report: Report, earlier?: Earlier): StoredKey[] {
  const { contents } = document
  const pairs = isMap(contents) ? contents.items : []
  for (const { key } of pairs.filter((one) => !isNamedKeys(one))) {
    report(key, unknown('name', key, '"keys"'))
  }
  const pair = pairs.find(isNamedKeys)
  if (pair === undefined) return report(contents, NO_LIST) ?? []
  return readList(pair.value, report, earlier)
}

function isNamedKeys({ key }: Pair): boolean {
  return isScalar(key) && key.value === 'keys'
}

function readList(list: unknown, report: Report, earlier?: Earlier): StoredKey[] {
  if (isScalar(list) && list.value === null) return []
  if (!isSeq(list)) return report(list, '"keys" must be a list') ?? []
  const { ids = new Set<string>(), hashes = new Set<string>() } = earlier ?? {}
  return list.items.flatMap((item) => {
    const key = isMap(item)
      ? readStoredKey(item, report)
      : report(item, 'A key must be a mapping with "id", "principal" and "sha256"')
    if (key === undefined) return []
    if (ids.has(key.id)) report(item, `Two keys have the id "${key.id}"`)
    // One of two entries for a key may revoke it.
    if (hashes.has(key.sha256)) report(item, `The key "${key.id}" has the "sha256" of another key`)
    ids.add(key.id)
    hashes.add(key.sha256)
    return [key]
  })
}

function startOf(node: unknown): number {
  return isNode(node) ? (node.range?.[0] ?? 0) : 0
}
