/** @module-tag slow */

import { beforeAll, describe, expect, it } from 'vitest'
import { FILE_OPTIONS } from '../../src/yaml/auth-section.ts'
import { isFunction, keyOf } from '../../src/yaml/values.ts'
import { readTable, withoutBackticks } from '../support/markdown.ts'

// Apart from the other pages: it reads the text of the source, which the mutation tester changes.
describe('docs/messages.md', () => {
  let page = ''
  // Reading all of the source takes seconds, also where these tests are left out.
  beforeAll(async () => {
    const { createMessagePage } = await import('../../scripts/docs/message-page.ts')
    page = createMessagePage()
    // The types of all of it are checked, and other tests run beside it.
  }, 240_000)

  it('is up to date', async () => {
    await expect(page).toMatchFileSnapshot('../../docs/messages.md')
  })

  it('says what each option must be, in code and in a file', async () => {
    const { readOptionsOfType } = await import('../../scripts/docs/documented-types.ts')
    const [, shown = ''] = page.split('## What each option must be')
    const [inCode = '', inFile = ''] = shown.split('In a file,')
    const names = readOptionsOfType('AuthConfig').map(({ name }) => name)
    const inKeys = Object.entries(FILE_OPTIONS)
      .filter(([, form]) => !isFunction(form))
      .map(([name]) => `server.auth.${keyOf(name)}`)
    expect(names.filter((name) => !inCode.includes(`\`"${name}`))).toEqual([])
    expect(inKeys.filter((key) => !inFile.includes(`\`"${key}`))).toEqual([])
  })

  it('says what each detail of a denial means', async () => {
    const { readUnion } = await import('../../scripts/docs/documented-types.ts')
    const rows = readTable(page, '`detail`')
    expect(rows.map(([detail = '']) => withoutBackticks(detail))).toEqual(readUnion('DenyDetail'))
    expect(rows.filter(([, meaning]) => meaning === '')).toEqual([])
  })
})
