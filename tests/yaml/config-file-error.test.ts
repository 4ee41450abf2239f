import { expect, it } from 'vitest'
import { AuthConfigError } from '../../src/index.ts'
import { ConfigFileError } from '../../src/yaml/config-file-error.ts'

const problem = {
  path: 'a.yaml',
  line: 2,
  column: 3,
  key: 'k',
  message: 'Bad',
  excerpt: '  k\n  ^',
}

it('is an AuthConfigError whose message shows every problem at its place', () => {
  const whole = { ...problem, line: 0, column: 0, key: '', excerpt: '' }
  const error = new ConfigFileError([problem, whole])
  expect(error).toBeInstanceOf(AuthConfigError)
  expect(error).toMatchObject({ name: 'ConfigFileError', code: 'invalid_config', option: 'k' })
  expect(error.message).toBe('a.yaml:2:3: Bad\n  k\n  ^\n\na.yaml: Bad')
  expect(error.problems).toEqual([problem, whole])
})

it('names nothing where nothing is wrong', () => {
  expect(new ConfigFileError([])).toMatchObject({ option: '', message: '', problems: [] })
})

it('says of very many how many there are', () => {
  const error = new ConfigFileError(Array.from({ length: 60 }, () => problem))
  expect(error.problems).toHaveLength(60)
  expect(error.message).toMatch(/and 10 more$/)
  expect(new ConfigFileError(error.problems, true).message).toMatch(/and at least 11 more$/)
  expect(new ConfigFileError(error.problems.slice(0, 50)).message).not.toContain('more')
})
