import { expect, it } from 'vitest'
import { EXIT } from '../../src/cli/surroundings.ts'

it('has exit codes that scripts rely on', () => {
  expect(EXIT).toEqual({ ok: 0, failed: 1, usage: 2 })
})
