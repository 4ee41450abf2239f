import { expect, it, vi } from 'vitest'
import { guardWith } from '../../support/guarded-verifier.ts'
import type * as Errors from '../../../src/core/errors.ts'

// A query makes it another module, and its class another class.
const COPY = '../../../src/core/errors.ts?copy'
const { AuthUnavailableError } = (await import(COPY)) as typeof Errors

it('an AuthUnavailableError of another copy of the package is retried, and opens the circuit', async () => {
  const verifier = vi.fn(() => Promise.reject(new AuthUnavailableError('unreachable')))
  const { ask, events } = guardWith(verifier, { retry: { attempts: 1 } })
  for (let turn = 0; turn < 10; turn += 1) {
    expect(await ask()).toMatchObject({ reason: 'unreachable' })
  }
  expect(verifier).toHaveBeenCalledTimes(20)
  expect(events).toContainEqual({ type: 'circuit', state: 'open', tokens: 'unknown' })
})
