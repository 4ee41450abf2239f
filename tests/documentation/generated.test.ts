import { describe, expect, it } from 'vitest'
import { createCommandPage } from '../../scripts/docs/command-page.ts'
import { readAnchors } from '../support/markdown.ts'
import { withMetrics } from '../../scripts/docs/metric-page.ts'
import { withOptionTables } from '../../scripts/docs/option-tables.ts'
import { createExampleModule, OPTION_EXAMPLES } from '../../scripts/docs/option-examples.ts'
import { createPage } from '../../scripts/docs/option-page.ts'
import { createSchema, formatJson } from '../../scripts/docs/option-schema.ts'
import { readOptionsOfType } from '../../scripts/docs/documented-types.ts'
import { findTypeErrors } from './type-check.ts'
import { withDifferences } from '../recorded/page.ts'
import { readText } from '../support/project.ts'

/** The pages, and the schema, that `npm run docs:generate` writes. */

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
  ['schema.json', () => `${formatJson(createSchema())}\n`],
  ['docs/cli.md', createCommandPage],
  ['docs/metrics.md', () => withMetrics(readText('docs/metrics.md'))],
  // With each difference from a recorded server, and its reason.
  ['docs/security/guarantees.md', () => withDifferences(readText('docs/security/guarantees.md'))],
])('%s is up to date', async (file, create) => {
  await expect(create()).toMatchFileSnapshot(`../../${file}`)
})

it.each([
  ['jwt', 1],
  ['identity', 5],
])('docs/%s.md has a table of all options of each verifier', async (name, tables) => {
  const page = withOptionTables(readText(`docs/${name}.md`))
  await expect(page).toMatchFileSnapshot(`../../docs/${name}.md`)
  expect(page.match(/^\| option +\| default +\| meaning +\|$/gm)).toHaveLength(tables)
})
