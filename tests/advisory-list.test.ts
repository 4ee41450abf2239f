import { expect, it } from 'vitest'
import { readTable } from './support/markdown.ts'
import { readText, sorted, ROOT } from './support/project.ts'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'

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
function findTitles(pattern: RegExp): TestTitle[] {
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
function titlesIn(text: string): string[] {
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

/** docs/contributing/advisories.md lists the advisories that tests play. */

const ID = /\bCVE-\d{4}-\d{4,}\b|\bGHSA(?:-[\da-z]{4}){3}\b|(?<![\w-])[\w-]+\/[\w-]+#\d+\b/
const listed = readTable(readText('docs/contributing/advisories.md'), 'advisory').map(
  ([id = '', what = '', test = '']) => ({
    id,
    what,
    file: test.replaceAll('`', ''),
  }),
)
const played = findTitles(ID).flatMap(({ file, text }) => idsIn(text).map((id) => ({ id, file })))

function idsIn(text: string): string[] {
  return [...text.matchAll(new RegExp(ID, 'g'))].map(([id]) => id)
}

it('the list and the titles of the tests name the same advisories', () => {
  expect(listed.length).toBeGreaterThan(70)
  expect(listed.map(({ id }) => id)).toEqual(sorted(new Set(played.map(({ id }) => id))))
})

it('each advisory of the list has a sentence and the file of its test', () => {
  const found = new Set(played.map(({ id, file }) => `${id} ${file}`))
  expect(listed.filter(({ id, file }) => !found.has(`${id} ${file}`))).toEqual([])
  expect(listed.filter(({ what }) => !/^[a-z].{15,}\.$/i.test(what))).toEqual([])
})
