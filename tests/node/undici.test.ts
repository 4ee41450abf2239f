import { describe, expect, it } from 'vitest'
import { Agent } from 'undici'
import { openAgent } from '../../src/node/undici.ts'

// That it is not installed, or too old, is tried on the packed package, in `tests/package.test.ts`.

describe('openAgent', () => {
  it('makes an agent of undici', () => {
    expect(openAgent({ connectTimeoutMs: 1000 })).toBeInstanceOf(Agent)
  })
})
