import { Document, isMap, isNode, isScalar, isSeq, LineCounter, visit } from 'yaml'
import { parseYaml as parseYamlText } from '../../files/yaml-text.ts'
import { malformed } from '../error.ts'
import { readStoredKey, showName } from './fields.ts'
import type { Pair } from 'yaml'
import type { KeyFileProblem } from '../error.ts'
import type { Report } from './fields.ts'
import type { StoredKey } from '../record.ts'

/** The text of a file of keys: as a document that keeps its comments, and what it says. */
export interface KeyDocument {
  readonly document: Document
  readonly keys: readonly StoredKey[]
}

const MOST_PROBLEMS = 100
const HAS_MORE = true
const NO_LIST = 'There must be a list "keys", which may be empty: "keys: []"'

/**
 * Reads the text of a file of keys. All of it must be right, or none of it counts: of a file with a mistake nobody knows
 * which key it was meant to revoke.
 *
 * @param name How messages call the file.
 * @throws KeyFileError with the first 100 problems.
 */
export function parseKeys(text: string, name: string): KeyDocument {
  const lines = new LineCounter()
  const problems: KeyFileProblem[] = []
  const reportAt = (offset: number, message: string): undefined => {
    if (problems.length === MOST_PROBLEMS) throw malformed(name, problems, HAS_MORE)
    const { line, col } = lines.linePos(offset)
    problems.push({ line: Math.max(1, line), column: Math.max(1, col), message })
  }
  const refuse = (): void => {
    if (problems.length > 0) throw malformed(name, problems)
  }
  const document = parseYaml(text, lines, reportAt)
  refuse()
  separateFirstComment(document, text)
  const keys = readKeys(document, (node, message) => reportAt(startOf(node), message))
  refuse()
  return { document, keys }
}

function parseYaml(
  text: string,
  lines: LineCounter,
  reportAt: (offset: number, message: string) => undefined,
): Document {
  const parsed = parseYamlText(text, lines, { stringKeys: true })
  if (typeof parsed === 'string') return reportAt(0, parsed) ?? new Document()
  const { document, second } = parsed
  // The messages of the parser may quote the text, which may hold a key.
  for (const { code, pos } of [...document.errors, ...document.warnings]) {
    reportAt(pos[0], `This is not valid YAML here (${code})`)
  }
  if (second !== undefined) reportAt(second.range[0], 'A second document begins here')
  visit(document, {
    Alias: (_, { range }) =>
      reportAt(range?.[0] ?? 0, 'Aliases are not allowed: write the value out'),
    Map: (_, { items }) => reportRepeated(items, reportAt),
  })
  return document
}

// The parser joins a comment behind `keys:` with one of the first key. A blank line keeps them apart.
function separateFirstComment(document: Document, text: string): void {
  const list = isMap(document.contents) ? document.get('keys', true) : undefined
  if (!isSeq(list) || list.flow === true || !/^keys:[ \t]+#/m.test(text)) return
  const [, first = '', rest = ''] = /^(.*)\n*([^]*)$/.exec(list.commentBefore ?? '') ?? []
  list.commentBefore = rest === '' ? `${first}\n` : `${first}\n\n${rest}`
}

// Of two values for one name the parser would take the last.
function reportRepeated(
  pairs: readonly Pair[],
  reportAt: (offset: number, message: string) => undefined,
): void {
  const seen = new Set<unknown>()
  for (const { key } of pairs) {
    const name = isScalar(key) ? key.value : key
    if (seen.has(name)) reportAt(startOf(key), 'The same name is already in this mapping')
    seen.add(name)
  }
}

function readKeys(document: Document, report: Report): StoredKey[] {
  const { contents } = document
  if (!isMap(contents)) return none(contents, report, NO_LIST)
  for (const { key } of contents.items) {
    if (!isNamedKeys(key)) report(key, `There is nothing called ${showName(key)}: known is "keys"`)
  }
  const pair = contents.items.find(({ key }) => isNamedKeys(key))
  return pair === undefined ? none(contents, report, NO_LIST) : readList(pair.value, report)
}

function readList(list: unknown, report: Report): StoredKey[] {
  if (isScalar(list) && list.value === null) return []
  if (!isSeq(list)) return none(list, report, '"keys" must be a list')
  const ids = new Set<string>()
  const digests = new Set<string>()
  return list.items.flatMap((item) => {
    const key = isMap(item)
      ? readStoredKey(item, report)
      : report(item, 'A key must have fields: "id", "principal", "sha256"')
    if (key === undefined) return []
    if (ids.has(key.id)) report(item, `There are two keys with the id "${key.id}"`)
    // With two entries for one key, one of them revoked, nobody knows what was meant.
    if (digests.has(key.sha256))
      report(item, `The key "${key.id}" has the same "sha256" as another`)
    ids.add(key.id)
    digests.add(key.sha256)
    return [key]
  })
}

function none(node: unknown, report: Report, message: string): [] {
  report(node, message)
  return []
}

function isNamedKeys(key: unknown): boolean {
  return isScalar(key) && key.value === 'keys'
}

function startOf(node: unknown): number {
  return isNode(node) ? (node.range?.[0] ?? 0) : 0
}
