import { expect, it } from 'vitest'
import { TransientMap } from '../../src/core/transient-map.ts'

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
