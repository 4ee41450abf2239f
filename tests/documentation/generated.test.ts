import { describe, expect, it } from 'vitest'
import { FILE_OPTIONS } from '../../src/yaml/auth-section.ts'
import { isFunction, keyOf } from '../../src/yaml/values.ts'
import { createCommandPage } from '../../scripts/docs/command-page.ts'
import { readAnchors, readTable, withoutBackticks } from '../support/markdown.ts'
import { createMessagePage } from '../../scripts/docs/message-page.ts'
import { withMetrics } from '../../scripts/docs/metric-page.ts'
import { withOptionTables } from '../../scripts/docs/option-tables.ts'
import { createExampleModule, OPTION_EXAMPLES } from '../../scripts/docs/option-examples.ts'
import { createPage } from '../../scripts/docs/option-page.ts'
import { readOptionsOfType, readUnion } from '../../scripts/docs/documented-types.ts'
import { findTypeErrors } from '../support/type-check.ts'
import { withDifferences } from '../recorded/page.ts'
import { readText } from '../support/project.ts'

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

describe('docs/cli.md', () => {
  it('is up to date', async () => {
    await expect(createCommandPage()).toMatchFileSnapshot('../../docs/cli.md')
  })
})

describe('docs/messages.md', () => {
  const page = createMessagePage()

  it('is up to date', async () => {
    await expect(page).toMatchFileSnapshot('../../docs/messages.md')
  })

  it('says what each option must be, in code and in a file', () => {
    const [, shown = ''] = page.split('## What each option must be')
    const [inCode = '', inFile = ''] = shown.split('In a file,')
    const names = readOptionsOfType('AuthConfig').map(({ name }) => name)
    const inKeys = Object.entries(FILE_OPTIONS)
      .filter(([, form]) => !isFunction(form))
      .map(([name]) => `server.auth.${keyOf(name)}`)
    expect(names.filter((name) => !inCode.includes(`\`"${name}`))).toEqual([])
    expect(inKeys.filter((key) => !inFile.includes(`\`"${key}`))).toEqual([])
  })

  it('says what each detail of a denial means', () => {
    const rows = readTable(page, '`detail`')
    expect(rows.map(([detail = '']) => withoutBackticks(detail))).toEqual(readUnion('DenyDetail'))
    expect(rows.filter(([, meaning]) => meaning === '')).toEqual([])
  })
})

it.each([
  ['jwt', 1],
  ['identity', 4],
])('docs/%s.md has a table of all options of each verifier', async (name, tables) => {
  const page = withOptionTables(readText(`docs/${name}.md`))
  await expect(page).toMatchFileSnapshot(`../../docs/${name}.md`)
  expect(page.match(/^\| option +\| default +\| meaning +\|$/gm)).toHaveLength(tables)
})

it('docs/metrics.md has each metric, with its labels and where it comes from', async () => {
  const page = withMetrics(readText('docs/metrics.md'))
  await expect(page).toMatchFileSnapshot('../../docs/metrics.md')
})

describe('docs/security/guarantees.md', () => {
  const path = 'docs/security/guarantees.md'

  it('has each difference from a recorded server, with its reason', async () => {
    const page = withDifferences(readText(path))
    await expect(page).toMatchFileSnapshot(`../../${path}`)
  })
})
