import { expect, it } from 'vitest'
import { Parser } from 'yaml'
import { isNestedTooDeeply } from '../../src/keys/yaml-nesting.ts'

const isDeep = (text: string): boolean => isNestedTooDeeply([...new Parser().parse(text)])

it.each<[string, (levels: number) => string]>([
  ['lists', (levels) => `${'['.repeat(levels)}x${']'.repeat(levels)}`],
  ['lists that do not end', (levels) => `${'['.repeat(levels)}x`],
  ['lists on one line', (levels) => `${'- '.repeat(levels)}x`],
  ['values', (levels) => `${'{a: '.repeat(levels)}x`],
  ['names', (levels) => `${'? '.repeat(levels)}x`],
  ['a second document', (levels) => `a\n---\n${'['.repeat(levels)}x`],
])('sixteen levels are allowed, and no more: of %s', (_, nest) => {
  expect([1, 15, 16, 17, 10_000].map((levels) => isDeep(nest(levels)))).toEqual([
    false,
    false,
    false,
    true,
    true,
  ])
})

it('what is wide is not deep', () => {
  expect(isDeep('')).toBe(false)
  expect(isDeep(`[${'[],'.repeat(1000)}]`)).toBe(false)
})
