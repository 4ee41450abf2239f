import { expect, it } from 'vitest'
import { drawKey, hashText } from '../../../src/yaml/providers/kinds/keyed-hash.ts'

const KEY = [0x03020100, 0x07060504] as const

function hexOf(text: string): string {
  const bytes = Buffer.alloc(8)
  const [first, second] = hashText(text, KEY)
  bytes.writeInt32LE(first)
  bytes.writeInt32LE(second, 4)
  return bytes.toString('hex')
}

// `vectors_hsip64` of the reference implementation: the bytes 0, 1, 2 and so on, by the key 00 01 02 ... 07.
it.each([
  [0, '218d1f59b9b83cc8'],
  [1, 'be552412f8387315'],
  [2, '064f39ef7c50eb57'],
  [3, 'ce0f1a45f7060679'],
  [4, 'd5e78a175be52ea1'],
  [7, 'ff202728b07bc684'],
  [8, 'edfee820bce4858c'],
  [15, '217d0bcb4e81c902'],
  [63, '2ea63c71bf326087'],
])('hashes %d bytes as HalfSipHash-2-4 does', (length, hex) => {
  const bytes = Array.from({ length }, (_, index) => index)
  expect(hexOf(String.fromCharCode(...bytes))).toBe(hex)
})

it('depends on the key, which is another each time', () => {
  const keys = [drawKey(), drawKey()]
  expect(keys[0]).not.toEqual(keys[1])
  const [one, other] = keys.map((key) => hashText('t', key))
  expect(one).not.toEqual(other)
  expect(hashText('t', [KEY[0], 0])).not.toEqual(hashText('t', KEY))
  expect(hashText('t', [0, KEY[1]])).not.toEqual(hashText('t', KEY))
})

it('takes time in proportion to the text', () => {
  expect(hashText('t'.repeat(1_000_000), KEY)).toHaveLength(2)
})
