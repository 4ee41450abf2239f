import { Composer, Document, LineCounter, Parser } from 'yaml'
import { createFindings, MASKED } from './problems.ts'
import { inspectTree } from './tree.ts'
import type { CST, YAMLParseError, YAMLWarning } from 'yaml'
import type { Findings } from './problems.ts'
import type { Tree } from './tree.ts'

/** A file that was read as YAML, as far as that was possible. */
export interface ParsedFile {
  readonly findings: Findings
  /** Absent when the file is no YAML at all; what is wrong is in the findings then. */
  readonly tree: Tree | undefined
}

/** How long a file may be, in UTF-16 code units and in bytes. */
export const MOST_TEXT: number = 2 ** 18

// Real files have some ten levels.
const MOST_LEVELS = 64

// YAML 1.2.2 §5.1, c-printable.
// oxlint-disable-next-line no-control-regex
const UNPRINTABLE = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]/
const FIRST_KEY = /^[ \t]*(?:- +)*[\w.-]+(?=:(?:[ \t\r]|$))/gm

/** Reads a text as one YAML document of the core schema. Never throws. */
export function parseFile(path: string, given: string): ParsedFile {
  const text = given.startsWith('\ufeff') ? given.slice(1) : given
  const lines = new LineCounter()
  const findings = createFindings(path, text, lines)
  if (text.length > MOST_TEXT) {
    findings.addWhole(`The file is longer than ${MOST_TEXT} characters`)
    return { findings, tree: undefined }
  }
  return { findings, tree: parseText(text, lines, findings) }
}

function parseText(text: string, lines: LineCounter, findings: Findings): Tree | undefined {
  refuseUnprintable(text, findings)
  const parsed = tryToParse(text, lines)
  if (typeof parsed === 'string') {
    findings.addWhole(parsed)
    return undefined
  }
  addSyntax(parsed.errors, findings)
  if (findings.isEmpty()) return inspectTree(parsed.contents, findings)
  // Of a text that is no YAML the first key of a line is most that can be told from a value.
  for (const { 0: key, index } of text.matchAll(FIRST_KEY)) {
    findings.show({ start: index, end: index + key.length })
  }
  return undefined
}

interface Parsed {
  readonly contents: unknown
  readonly errors: readonly SyntaxProblem[]
}

type SyntaxProblem = Pick<YAMLParseError | YAMLWarning, 'code' | 'message' | 'pos'>

const OPTIONS = {
  version: '1.2',
  // Also where a directive in the file says otherwise.
  schema: 'core',
  merge: false,
  resolveKnownTags: false,
  // Compares each key with each other; the tree is looked through for them at once.
  uniqueKeys: false,
} as const

/** Gives a sentence in place of what cannot be read at all. */
function tryToParse(text: string, lines: LineCounter): Parsed | string {
  try {
    const tooDeep = `The file is nested too deeply: more than ${MOST_LEVELS} levels`
    return parse(text, lines) ?? tooDeep
  } catch {
    // The parser looks up two variables of its own, which Deno may refuse.
    return 'The YAML parser failed: permit what it asks for (on Deno, --allow-env=LOG_STREAM,LOG_TOKENS)'
  }
}

function parse(text: string, lines: LineCounter): Parsed | undefined {
  const tokens = [...new Parser(lines.addNewLine).parse(text)]
  // The composer is recursive, and on a stack that is full even a regular expression can end the process.
  if (isDeeperThan(MOST_LEVELS, tokens)) return undefined
  // There is one at least: of nothing it makes an empty one.
  const [document = new Document(), second] = new Composer(OPTIONS).compose(
    tokens,
    true,
    text.length,
  )
  const errors = [...document.errors, ...document.warnings]
  if (second === undefined) return { contents: document.contents, errors }
  const [start, , end] = second.range
  const message = 'A second document begins here: a file holds one'
  return {
    contents: null,
    errors: [...errors, { code: 'MULTIPLE_DOCS', message, pos: [start, end] }],
  }
}

function isDeeperThan(most: number, tokens: readonly CST.Token[]): boolean {
  let level = tokens.flatMap(partsOf)
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > most) return true
    level = level.flatMap(partsOf)
  }
  return false
}

function partsOf(token: CST.Token): CST.Token[] {
  if (token.type === 'document') return token.value === undefined ? [] : [token.value]
  if (!('items' in token)) return []
  return token.items.flatMap(({ key, value }) => [key ?? [], value ?? []].flat())
}

function refuseUnprintable(text: string, findings: Findings): void {
  const at = text.search(UNPRINTABLE)
  if (at === -1) return
  const code = text.charCodeAt(at).toString(16).toUpperCase().padStart(4, '0')
  const message = `The character U+${code} cannot stand in YAML`
  findings.add({ start: at, end: at + 1 }, '', message, MASKED)
}

// The parser's own would show what the file holds: a password may begin with `!`, `*` or a backslash.
const MESSAGES: Readonly<Partial<Record<YAMLParseError['code'], string>>> = {
  BAD_ALIAS: 'Invalid alias or anchor',
  BAD_DIRECTIVE: 'Invalid directive',
  BAD_DQ_ESCAPE: 'Invalid escape sequence',
  IMPOSSIBLE: 'Unexpected text',
  TAG_RESOLVE_FAILED: 'Unknown tag',
  UNEXPECTED_TOKEN: 'Unexpected text',
}

function addSyntax(errors: readonly SyntaxProblem[], findings: Findings): void {
  const told = new Set<string>()
  for (const { code, message, pos } of errors) {
    const [start, end] = pos
    const said = MESSAGES[code] ?? message
    const once = `${start} ${said}`
    if (!told.has(once)) findings.add({ start, end }, '', `${said} (YAML)`, MASKED)
    told.add(once)
  }
}
