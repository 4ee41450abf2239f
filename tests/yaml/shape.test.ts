import { expect, it } from 'vitest'
import { AUTH, FUNCTIONS, keyOf } from '../../src/yaml/shape.ts'
import { readOptionsOfType } from '../support/documented-types.ts'
import type { Fields } from '../../src/yaml/shape.ts'

it('has each option of AuthConfig that a file can hold, in snake_case', () => {
  const documented = readOptionsOfType('AuthConfig').map(({ name }) => name)
  const functions = Object.values(FUNCTIONS)
  const expected = documented.filter((name) => !functions.includes(name))
  const groups = new Set(['context', 'concurrency'])
  const own = optionsOf(AUTH, '').filter(
    (name) => !groups.has(name) && !/^(?:credentials|public)\./.test(name),
  )
  expect(own).toEqual(expected)
  expect(documented).toEqual(expect.arrayContaining(functions))
})

it('spells options in snake_case', () => {
  expect(['endpoint', 'staleIfErrorMs', 'webSocketProtocol'].map(keyOf)).toEqual([
    'endpoint',
    'stale_if_error_ms',
    'web_socket_protocol',
  ])
  expect(Object.entries(FUNCTIONS).every(([key, option]) => keyOf(option) === key)).toBe(true)
})

function optionsOf(fields: Fields, parent: string): string[] {
  return Object.values(fields).flatMap(({ option, shape }) => [
    `${parent}${option}`,
    ...optionsOf(shape.fields ?? {}, `${parent}${option}.`),
  ])
}
