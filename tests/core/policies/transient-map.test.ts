import { expect, it } from 'vitest'
import { TransientMap } from '../../../src/core/policies/under-way.ts'

it('holds what was added and not deleted, in its order, however many came and went', () => {
  const map = new TransientMap<string, number>()
  map.set('first', -1)
  for (let index = 0; index < 10_000; index += 1) {
    map.set(`k${index}`, index)
    map.set(`k${index}`, index + 1)
    map.delete(`k${index - 2}`)
  }
  expect([...map.entries()]).toEqual([
    ['first', -1],
    ['k9998', 9999],
    ['k9999', 10_000],
  ])
  expect(map.size).toBe(3)
  expect(map.get('first')).toBe(-1)
  expect(map.get('k0')).toBeUndefined()
})

it('holds many at once', () => {
  const map = new TransientMap<number, number>()
  for (let index = 0; index < 5000; index += 1) map.set(index, index)
  expect(map.size).toBe(5000)
  for (let index = 0; index < 5000; index += 1) map.delete(index)
  expect([...map.entries()]).toEqual([])
})

it('may lose entries while it is gone through', () => {
  const map = new TransientMap<number, number>()
  for (let index = 0; index < 400; index += 1) map.set(index, index)
  for (const [key] of map.entries()) map.delete(key)
  expect(map.size).toBe(0)
})

it('is replaced once as many entries have come as it holds and 256 more', () => {
  const map = new TransientMap<string, number>()
  const keys = (entries: Iterable<[string, number]>): string[] =>
    Array.from(entries, ([key]) => key)
  for (let turn = 0; turn < 256; turn += 1) map.set('a', turn)
  const before = map.entries()
  map.set('b', 0)
  // An iterator of a Map sees later entries until the Map is replaced.
  expect(keys(before)).toEqual(['a', 'b'])
  const during = map.entries()
  for (let turn = 0; turn < 2; turn += 1) map.set('a', turn)
  map.set('c', 0)
  expect(keys(during)).toEqual(['a', 'b'])
  const after = map.entries()
  map.set('d', 0)
  expect(keys(after)).toEqual(['a', 'b', 'c', 'd'])
})
