import { describe, expect, it, vi } from 'vitest'
import type * as Errors from '../../../src/core/errors.ts'
import { resolveConfig } from '../../../src/core/config/parse.ts'
import { createChannel } from '../../../src/core/response/events.ts'
import { DecisionSource } from '../../../src/core/asking/decision-source.ts'
import { checkOf, verifyWith } from '../../support/checks.ts'
import type { AuthConfig, AuthEvent } from '../../../src/index.ts'

describe('an AuthUnavailableError of another copy of the package', async () => {
  // A query makes it another module, and its class another class.
  const copy = '../../../src/core/errors.ts?copy'
  const { AuthUnavailableError } = (await import(copy)) as typeof Errors
  const verdictOf = (error: unknown, options: AuthConfig = {}, events: AuthEvent[] = []) => {
    const verifier = vi.fn(() => {
      throw error
    })
    const config = resolveConfig({ verifier, context: { headers: [] }, ...options })
    const channel = createChannel(
      (event) => events.push(event),
      () => undefined,
    )
    const verify = verifyWith(new DecisionSource(config, undefined, channel))
    return { verifier, ask: async () => verify(checkOf()) }
  }

  it('is retried, and opens the circuit', async () => {
    const events: AuthEvent[] = []
    const { verifier, ask } = verdictOf(new AuthUnavailableError('unreachable'), {}, events)
    for (let turn = 0; turn < 10; turn += 1) {
      await expect(ask()).rejects.toMatchObject({ reason: 'unreachable' })
    }
    expect(verifier).toHaveBeenCalledTimes(20)
    expect(events).toEqual([{ type: 'circuit', state: 'open', tokens: 'unknown' }])
  })
})
