import { LineCounter } from 'yaml'
import { parseYaml } from '../files/yaml-text.ts'
import { Findings, MASKED } from './problems.ts'
import { inspectTree } from './tree.ts'
import type { YAMLParseError, YAMLWarning } from 'yaml'
import type { Tree } from './tree.ts'

/** The longest file, in UTF-16 code units and in bytes. */
export const MOST_TEXT: number = 2 ** 18

// YAML 1.2.2 §5.1, c-printable.
// oxlint-disable-next-line no-control-regex
const UNPRINTABLE = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]/
const FIRST_KEY = /^[ \t]*(?:- +)*[\w.-]+(?=:(?:[ \t\r]|$))/gm

/** Reads a text as one YAML document of the core schema. A syntax error leaves no tree. Never throws. */
export function parseFile(
  path: string,
  given: string,
): { readonly findings: Findings; readonly tree: Tree | undefined } {
  const text = given.startsWith('\ufeff') ? given.slice(1) : given
  const lines = new LineCounter()
  const findings = new Findings(path, text, lines)
  return { findings, tree: parseText(text, lines, findings) }
}

function parseText(text: string, lines: LineCounter, findings: Findings): Tree | undefined {
  if (text.length > MOST_TEXT) {
    findings.add(undefined, '', `The file is longer than ${MOST_TEXT} characters`)
    return undefined
  }
  rejectUnprintable(text, findings)
  const parsed = parseYaml(text, lines)
  if (typeof parsed === 'string') {
    findings.add(undefined, '', parsed)
    return undefined
  }
  const { document, second } = parsed
  addSyntax([...document.errors, ...document.warnings], findings)
  if (second !== undefined) {
    const [start, , end] = second.range
    const message = 'A second document begins here: keep one document in a file (YAML)'
    findings.add({ start, end }, '', message, MASKED)
  }
  if (findings.isEmpty()) return inspectTree(document.contents, findings)
  // In broken YAML only the first key of a line can be told from a value.
  for (const { 0: key, index } of text.matchAll(FIRST_KEY)) {
    findings.show({ start: index, end: index + key.length })
  }
  return undefined
}

function rejectUnprintable(text: string, findings: Findings): void {
  const at = text.search(UNPRINTABLE)
  if (at === -1) return
  const code = text.charCodeAt(at).toString(16).toUpperCase().padStart(4, '0')
  const message = `The character U+${code} is not allowed in YAML: remove it`
  findings.add({ start: at, end: at + 1 }, '', message, MASKED)
}

// The parser's own messages would show a part of the file. A password may begin with `!`, `*` or a backslash.
const MESSAGES: Readonly<Partial<Record<YAMLParseError['code'], string>>> = {
  BAD_ALIAS: 'Invalid alias or anchor',
  BAD_DIRECTIVE: 'Invalid directive',
  BAD_DQ_ESCAPE: 'Invalid escape sequence',
  IMPOSSIBLE: 'Unexpected text',
  TAG_RESOLVE_FAILED: 'Unknown tag',
  UNEXPECTED_TOKEN: 'Unexpected text',
}

function addSyntax(errors: readonly (YAMLParseError | YAMLWarning)[], findings: Findings): void {
  const told = new Set<string>()
  for (const { code, message, pos } of errors) {
    const [start, end] = pos
    const said = MESSAGES[code] ?? message
    const once = `${start} ${said}`
    if (!told.has(once)) findings.add({ start, end }, '', `${said} (YAML)`, MASKED)
    told.add(once)
  }
}
