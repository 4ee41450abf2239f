import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { readText, ROOT } from './project.ts'

/** A title of a test or of a table row. */
interface TestTitle {
  /** Relative to the package, such as `tests/leaks.test.ts`. */
  readonly file: string
  readonly text: string
}

/** Calls that take a text and run no test. */
const NO_TEST = /^console\.|\.(?:skip|todo)\b/
const PROPERTIES: ReadonlySet<string> = new Set(['name', 'title'])

/**
 * The titles below `tests` that match a pattern. Parses the files, since running the tests of all runtimes would take
 * minutes. Skips files without a match.
 */
export function findTitles(pattern: RegExp): TestTitle[] {
  return listTests('tests').flatMap((file) => {
    const text = readText(file)
    if (!pattern.test(text)) return []
    return titlesIn(text)
      .filter((title) => pattern.test(title))
      .map((title) => ({ file, text: title }))
  })
}

function listTests(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = `${folder}/${entry.name}`
    if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : listTests(path)
    return path.endsWith('.ts') ? [path] : []
  })
}

/** The texts at the places of titles: in a call, in a table row, or as a name. Comments do not count. */
export function titlesIn(text: string): string[] {
  const titles: string[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteralLike(node) && isTitle(node)) titles.push(node.text)
    if (ts.isTemplateExpression(node) && isTitle(node)) titles.push(node.getText())
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile('titles.ts', text, ts.ScriptTarget.Latest, true))
  return titles
}

function isTitle(node: ts.Node): boolean {
  const { parent } = node
  if (isNeverRun(node)) return false
  if (ts.isCallExpression(parent) || ts.isArrayLiteralExpression(parent)) return true
  return ts.isPropertyAssignment(parent) && PROPERTIES.has(parent.name.getText())
}

function isNeverRun(node: ts.Node | undefined): boolean {
  if (node === undefined) return false
  const isElse = ts.isCallExpression(node) && NO_TEST.test(node.expression.getText())
  return isElse || isNeverRun(node.parent)
}
