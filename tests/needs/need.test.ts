import { expect, it } from 'vitest'
import { parseNeed } from '../../src/needs/need.ts'

it('is a frozen copy', () => {
  const scopes = ['a', 'b', 'a']
  const attributes = { team: ['x'] }
  const need = parseNeed({ scopes, attributes })
  scopes.push('c')
  attributes.team.push('y')
  expect(need).toEqual({ scopes: ['a', 'b'], attributes: { team: ['x'] } })
  expect(
    [need, need.scopes, need.attributes, need.attributes?.['team']].every(Object.isFrozen),
  ).toBe(true)
})

it.each<[unknown, string]>([
  [undefined, '"need" must be an object'],
  ['admin', '"need" must be an object, received "admin"'],
  [
    {},
    '"need" must be an object with at least one of "scopes", "anyScope", "roles", "attributes", "principal"',
  ],
  [{ scope: ['a'] }, 'Unknown option "need.scope": did you mean "scopes"?'],
  [{ scopes: [] }, '"need.scopes" must be a list of at least one scope'],
  [{ scopes: 'a' }, '"need.scopes" must be a list of at least one scope, received "a"'],
  [{ scopes: ['a b'] }, '"need.scopes[0]" must be a scope'],
  [
    { scopes: ['a,resource_metadata=https://evil.example.test/'] },
    'without quotes, backslashes, "scope="',
  ],
  [{ anyScope: ['error=invalid_token'] }, '"need.anyScope[0]" must be a scope'],
  [{ anyScope: [] }, '"need.anyScope" must be a list of at least one'],
  [{ roles: undefined }, '"need.roles" must be left out or given a value'],
  [{ roles: [''] }, '"need.roles[0]" must be a non-empty string'],
  [{ roles: ['a', 5] }, '"need.roles[1]" must be a non-empty string, received 5'],
  [{ principal: 'ada' }, '"need.principal" must be a list of at least one'],
  [{ attributes: {} }, '"need.attributes" must be an object of names and lists of values'],
  [{ attributes: { team: 'x' } }, '"need.attributes.team" must be a list of at least one'],
  [{ attributes: ['team'] }, '"need.attributes" must be an object of names'],
])('rejects %j', (need, message) => {
  expect(() => parseNeed(need)).toThrow(message)
})
