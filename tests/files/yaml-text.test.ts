import { expect, it } from 'vitest'
import { LineCounter } from 'yaml'
import { parseYaml } from '../../src/files/yaml-text.ts'

const isParsed = (text: string): boolean => typeof parseYaml(text, new LineCounter()) !== 'string'

// On a full stack the parser's regular expressions end the process.
it.each<[string, (levels: number) => string]>([
  ['lists', (levels) => `${'['.repeat(levels)}x${']'.repeat(levels)}`],
  ['lists that do not end', (levels) => `${'['.repeat(levels)}x`],
  ['lists on one line', (levels) => `${'- '.repeat(levels)}x`],
  ['values', (levels) => `${'{a: '.repeat(levels)}x`],
  ['keys', (levels) => `${'? '.repeat(levels)}x`],
  ['a second document', (levels) => `a\n---\n${'['.repeat(levels)}x`],
])('parses 64 levels and no more: %s', (_, nest) => {
  const parsed = [1, 63, 64, 65, 10_000].map((levels) => isParsed(nest(levels)))
  expect(parsed).toEqual([true, true, true, false, false])
})

it.each(['{ ? [', '["a b\n c", '])('10,000 times %j does not end the process', (open) => {
  expect(parseYaml(open.repeat(10_000), new LineCounter())).toBe(
    'The file is nested too deeply: more than 64 levels',
  )
})

it('a text without a value is parsed, and directives alone are an error', () => {
  expect(['', '---\n'].map(isParsed)).toEqual([true, true])
  expect(parseYaml('%YAML 1.2\n', new LineCounter())).toMatchObject({
    document: { errors: [{ code: 'MISSING_CHAR' }] },
  })
})

it('a wide text is not deep', () => {
  expect(isParsed(`[${'[],'.repeat(1000)}]`)).toBe(true)
})

it('says what to permit where the parser may not read the environment', () => {
  const original = process.env
  const env = new Proxy(original, {
    get: () => {
      throw new Error('Requires env access')
    },
  })
  Object.defineProperty(process, 'env', { value: env, configurable: true, writable: true })
  try {
    expect(parseYaml('a: 1', new LineCounter())).toBe(
      'The YAML parser failed: permit what it asks for (on Deno, --allow-env=LOG_STREAM,LOG_TOKENS)',
    )
  } finally {
    Object.defineProperty(process, 'env', { value: original, configurable: true, writable: true })
  }
})
