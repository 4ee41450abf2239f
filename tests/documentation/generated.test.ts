import { describe, expect, it } from 'vitest'
import { renderAll } from '../../bench/pages.ts'
import { createCommandPage } from '../../scripts/docs/command-page.ts'
import { readAnchors } from '../support/markdown.ts'
import { withMetrics } from '../../scripts/docs/metric-page.ts'
import { withOptionTables } from '../../scripts/docs/option-tables.ts'
import { createExampleModule, OPTION_EXAMPLES } from '../../scripts/docs/option-examples.ts'
import { createPage } from '../../scripts/docs/option-page.ts'
import { createIndex, createList, NAVIGATION } from '../../scripts/docs/page-list.ts'
import { readOptionsOfType } from '../../scripts/docs/documented-types.ts'
import { findTypeErrors } from '../support/type-check.ts'
import { withDifferences } from '../recorded/page.ts'
import { readJson, readText, sorted } from '../support/project.ts'
import { PAGES } from './pages.ts'
import type { Section } from '../../bench/section.ts'

/** The pages that `npm run docs:generate` writes. */

describe('docs/configuration.md', () => {
  const ofValue = (made: string, type: string): string[] =>
    readOptionsOfType(type).map(({ name }) => `${made}: ${name}`)
  const options = [
    ...readOptionsOfType('AuthConfig').map(({ name }) => name),
    ...ofValue('memoryCache', 'MemoryCacheOptions'),
    ...ofValue('protectedResource', 'ResourceConfig'),
  ]

  it('is up to date', async () => {
    await expect(createPage()).toMatchFileSnapshot('../../docs/configuration.md')
  })

  it('has a heading and an example for every option', () => {
    expect(options.length).toBeGreaterThan(35)
    const anchors = options.map((name) => name.toLowerCase().replace(/[.:]/, '').replace(' ', '-'))
    expect(readAnchors(createPage())).toEqual(expect.arrayContaining(anchors))
    expect(Object.keys(OPTION_EXAMPLES)).toEqual(expect.arrayContaining(options))
  })

  it('has examples that compile', { tags: ['slow'] }, () => {
    expect(findTypeErrors(createExampleModule(), 'node')).toEqual([])
  })
})

it.each([
  ['docs/cli.md', createCommandPage],
  ['docs/metrics.md', () => withMetrics(readText('docs/metrics.md'))],
  // With each difference from a recorded server, and its reason.
  ['docs/security/guarantees.md', () => withDifferences(readText('docs/security/guarantees.md'))],
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

it.each([
  ['jwt', 1],
  ['identity', 4],
])('docs/%s.md has a table of all options of each verifier', async (name, tables) => {
  const page = withOptionTables(readText(`docs/${name}.md`))
  await expect(page).toMatchFileSnapshot(`../../docs/${name}.md`)
  expect(page.match(/^\| option +\| default +\| meaning +\|$/gm)).toHaveLength(tables)
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
