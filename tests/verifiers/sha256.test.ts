import { createHash } from 'node:crypto'
import { expect, it } from 'vitest'
import { sha256 } from '../../src/verifiers/id/sha256.ts'

it('is what node:crypto says, for texts of every length', () => {
  for (let length = 0; length < 260; length += 1) {
    const text = `${'é'.repeat(length % 7)}${'x'.repeat(length)}${length % 3 ? '' : '\u{1f600}'}`
    expect(sha256(text)).toBe(createHash('sha256').update(text).digest('hex'))
  }
})
