import { describe, expect, it } from 'vitest'
import { COMMANDS } from '../../src/cli/main.ts'
import { createCommandPage } from '../support/command-page.ts'
import { readAnchors } from '../support/markdown.ts'
import { createExampleModule, OPTION_EXAMPLES } from '../support/option-examples.ts'
import { createPage } from '../support/option-page.ts'
import { readOptionsOfType } from '../support/documented-types.ts'
import { findTypeErrors } from '../support/type-check.ts'

/** The pages that `npm run docs:generate` writes. */

describe('docs/configuration.md', () => {
  const options = readOptionsOfType('AuthConfig').map(({ name }) => name)

  it('is up to date', async () => {
    await expect(createPage()).toMatchFileSnapshot('../../docs/configuration.md')
  })

  it('has a heading and an example for every option', () => {
    expect(options.length).toBeGreaterThan(35)
    const anchors = options.map((name) => name.toLowerCase().replace('.', ''))
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
