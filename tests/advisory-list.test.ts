import { describe, expect, it } from 'vitest'
import { readTable } from './support/markdown.ts'
import { readText, sorted } from './support/project.ts'
import { findTitles, titlesIn } from './support/test-titles.ts'

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

describe('an id', () => {
  // In parts: the search for titles reads this file, too.
  const SAMPLE = ['CVE', '1999', '0001'].join('-')
  const ISSUE = ['some', 'thing#12'].join('/')

  it.each([
    ['in a comment', `// ${SAMPLE}\n/* ${SAMPLE} */`, []],
    ['in prose', `const why = { because: '${SAMPLE}' }`, []],
    ['of a test that is skipped', `it.skip('does not (${SAMPLE})', f)`, []],
    ['of rows that are skipped', `describe.skip.each(['${SAMPLE}'])('%s', f)`, []],
    ['in a log', `console.log('${SAMPLE}')`, []],
    ['of a test', `it('does not (${SAMPLE})', f)`, [SAMPLE]],
    ['of a row', `it.each([['${ISSUE}: a row', 1]])('%s', f)`, [ISSUE]],
    ['of a named row', `const row = { name: 'a row (${ISSUE}, ${SAMPLE})' }`, [ISSUE, SAMPLE]],
    ['in a template', `it(\`\${name} (${SAMPLE})\`, f)`, [SAMPLE]],
  ])('recognises a title %s', (_where, code, ids) => {
    expect(titlesIn(code).flatMap(idsIn)).toEqual(ids)
  })
})
