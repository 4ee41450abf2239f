import { expect, it } from 'vitest'
import { viewOfWrapper } from '../../../src/cli/conformance/finding.ts'
import { answered } from '../../support/probe-outcomes.ts'

it.each([
  [200, '{"principal":"alice"}', { passes: true, isNamed: true }],
  [200, '', { passes: true, isNamed: false }],
  [200, '{"principal":5}', { passes: true, isNamed: false }],
  [200, undefined, { passes: true, isNamed: false }],
  [201, '{"principal":"alice"}', { passes: false, reason: 'denied' }],
  [204, undefined, { passes: false, reason: 'denied' }],
  [302, '', { passes: false, reason: 'denied' }],
  [401, '', { passes: false, reason: 'denied' }],
  [429, '', { passes: false, reason: 'rate_limited' }],
  [500, '', { passes: false, reason: 'service_error' }],
] as const)('makes of a %i with %j what the wrapper makes of it', async (status, body, view) => {
  expect(await viewOfWrapper(answered(status, { body }))).toEqual(view)
})

it.each(['timeout', 'unreachable'] as const)('refuses after %s', async (reason) => {
  const view = await viewOfWrapper({ kind: 'silence', reason, durationMs: 1 })
  expect(view).toEqual({ passes: false, reason })
})
