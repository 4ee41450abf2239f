import { describe, expect, it } from 'vitest'
import { FILE_OPTIONS } from '../../src/yaml/auth-section.ts'
import { isFunction, keyOf } from '../../src/yaml/values.ts'
import { createMessagePage } from '../../scripts/docs/message-page.ts'
import { readOptionsOfType, readUnion } from '../../scripts/docs/documented-types.ts'
import { readTable, withoutBackticks } from '../support/markdown.ts'

// Apart from the other pages: it reads the text of the source, which the mutation tester changes.
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
