import { expect, it } from 'vitest'
import { UsageError } from '../../src/cli/errors.ts'

it('tells wrong usage from what failed', () => {
  const error = new UsageError('URL is missing')
  expect(error).toBeInstanceOf(Error)
  expect(error).toMatchObject({ name: 'UsageError', message: 'URL is missing' })
})
