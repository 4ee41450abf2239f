import { join } from 'node:path'
import { expect, it } from 'vitest'
import { readTable } from './support/markdown.ts'
import { listFiles, readText, ROOT, sorted } from './support/project.ts'

/** docs/contributing/advisories.md lists the advisories that tests play. */

const ID = /\bCVE-\d{4}-\d{4,}\b|\bGHSA(?:-[\da-z]{4}){3}\b|(?<![\w-])[\w-]+\/[\w-]+#\d+\b/g
const COMMENT = /^ *(?:\/?\*|\/\/).*$/gm
const listed = readTable(readText('docs/contributing/advisories.md'), 'advisory').map(
  ([id = '', what = '', test = '']) => ({ id, what, file: test.replaceAll('`', '') }),
)
const played = listFiles(join(ROOT, 'tests'))
  .filter((file) => file.endsWith('.ts') && !file.includes('node_modules/'))
  .map((file) => `tests/${file}`)
  .flatMap((file) => {
    const ids = readText(file).replaceAll(COMMENT, '').match(ID) ?? []
    return ids.map((id) => ({ id, file }))
  })

it('the list and the tests name the same advisories', () => {
  expect(listed.length).toBeGreaterThan(70)
  expect(listed.map(({ id }) => id)).toEqual(sorted(new Set(played.map(({ id }) => id))))
})

it('each advisory of the list has a sentence and the file of its test', () => {
  const found = new Set(played.map(({ id, file }) => `${id} ${file}`))
  expect(listed.filter(({ id, file }) => !found.has(`${id} ${file}`))).toEqual([])
  expect(listed.filter(({ what }) => !/^[a-z].{15,}\.$/i.test(what))).toEqual([])
})
