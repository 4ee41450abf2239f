import { expect, it } from 'vitest'
import { forwardedFor } from '../../src/cli/forwarded.ts'

it.each([
  ['for=a', ['a']],
  ['for=a, for="b";proto=http,for=[c]:1', ['[c]:1', 'b', 'a']],
  ['for="a,b\\"c", by=d, ', [undefined, undefined, 'a,b"c']],
  ['for="a, for=b', ['b', undefined]],
  ['"', [undefined]],
])('%s: reads the nodes from the right', (field, nodes) => {
  expect([...forwardedFor(field)]).toEqual(nodes)
})

it('reads no further than it is asked to', () => {
  expect(forwardedFor('for="a, for=b').next().value).toBe('b')
})
