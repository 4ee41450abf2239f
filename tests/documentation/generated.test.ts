import { describe, expect, it } from 'vitest'
import { COMMANDS } from '../../src/cli/main.ts'
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
import { PAGES, pageNamed } from './pages.ts'
import { withDifferences } from '../recorded/page.ts'
import { SERVERS } from '../recorded/versions.ts'
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

  it('has a heading for every command', () => {
    const anchors = COMMANDS.map(({ name }) => `with-auth-${name.replace(' ', '-')}`)
    expect(readAnchors(createCommandPage())).toEqual(expect.arrayContaining(anchors))
  })
})

describe('docs/messages.md', () => {
  const page = createMessagePage()

  it('is up to date', async () => {
    await expect(page).toMatchFileSnapshot('../../docs/messages.md')
  })

  it.each([
    ['clients', '| Access denied '],
    [
      'the console',
      '`the auth endpoint <origin> answers <status>: requests are rejected. Check its log`',
    ],
    ['an explanation', '`the metadata of <metadata url> names the issuer <named>: check "issuer"`'],
    ['the call of a function', '`Cannot guard a class: guard an instance, or its fetch method`'],
    ['the start', '`<option path> must be <allowed> (its value is not shown)`'],
    [
      'the start, from two functions',
      '`nodeTransport() cannot be used: the package "undici" is not installed: npm install undici@7`',
    ],
    [
      'keys',
      '`The file is locked: <file>.lock exists. If no process is changing the keys, remove <file>.lock`',
    ],
    ['a configuration file', '`An alias needs an anchor before it`'],
    ['a command', '`--all and --sha256 say different things: give only one of them`'],
    [
      'an event of the store',
      '`The store cannot be used: the engine is a replica: connect to the primary`',
    ],
  ])('has a sentence of %s', (_place, row) => {
    expect(page.replaceAll(/ {2,}/g, ' ')).toContain(row)
  })

  it('has no part of a sentence as a row', () => {
    expect(page).not.toContain('`the engine is a replica: connect to the primary`')
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

  it('is cited by README.md, with the recorded versions', () => {
    const { llamaStack, ogx, keycloak, hydra, kubernetes } = SERVERS
    const cited = [
      llamaStack,
      ogx,
      keycloak,
      hydra,
      kubernetes,
      `${path}#what-real-servers-decided`,
    ]
    const { text } = pageNamed('README.md')
    expect(cited.filter((part) => !text.includes(part))).toEqual([])
  })

  it.each(Object.values(SERVERS))(
    'has the version that other pages were tested with: %s',
    (server) => {
      const name = server.replace(/[\d.]+$/, '')
      const tested = new RegExp(`(?<=what )${name}[\\d.]*\\d`, 'gi')
      const named = PAGES.flatMap(({ text }) => text.match(tested) ?? [])
      expect(named.filter((found) => found !== server)).toEqual([])
    },
  )
})
