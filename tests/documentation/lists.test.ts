import { describe, expect, it } from 'vitest'
import { renderAll } from '../../bench/pages.ts'
import { createIndex, createList, NAVIGATION } from '../../scripts/docs/page-list.ts'
import { readJson, readText, sorted } from '../support/project.ts'
import { PAGES } from './pages.ts'
import type { Section } from '../../bench/section.ts'

// Apart from the other generated pages: the mutation tester has no list of files, and no benchmark.
it.each([
  ['docs/README.md', createIndex],
  ['llms.txt', createList],
])('%s is up to date', async (file, create) => {
  await expect(create()).toMatchFileSnapshot(`../../${file}`)
})

it('each page of docs is in one section of docs/navigation.json', () => {
  const listed = Object.values(NAVIGATION).flatMap((names) =>
    names.map((name) => `docs/${name}.md`),
  )
  const pages = PAGES.map(({ file }) => file).filter((file) => file.startsWith('docs/'))
  // Without the list itself.
  expect(sorted(listed)).toEqual(sorted(pages.filter((file) => file !== 'docs/README.md')))
})

describe('docs/performance.md', () => {
  const files = [...renderAll(readJson<Section[]>('bench/results.json'))]

  it.each(files)('%s shows bench/results.json', (file, text) => {
    expect(readText(file)).toBe(text)
  })

  it('has every chart', () => {
    const charts = files.flatMap(([file]) => (file.endsWith('.svg') ? [file] : []))
    expect(charts.length).toBeGreaterThan(2)
    const page = readText('docs/performance.md')
    expect(charts.filter((file) => !page.includes(file.replace('docs/', '')))).toEqual([])
  })
})
