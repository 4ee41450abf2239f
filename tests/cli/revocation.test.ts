import { describe, expect, it } from 'vitest'
import { describeRevocation, revokedKeyWorksForMs } from '../../src/cli/config-of.ts'
import { resolveConfig } from '../../src/core/config/parse.ts'
import type { AuthConfig } from '../../src/index.ts'

describe('how long a revoked key works', () => {
  it.each<[AuthConfig, number]>([
    [{}, 5000],
    [{ timeoutMs: 200 }, 200],
    [{ cache: {} }, 30_000],
    [{ cache: { allowTtlMs: 10_000, staleIfErrorMs: 60_000 } }, 70_000],
    [{ cache: { allowTtlMs: 1000 }, timeoutMs: 8000 }, 8000],
    [{ cache: { allowTtlMs: 0 }, timeoutMs: 100 }, 100],
  ])('with %j it is %i ms', (config, ms) => {
    const resolved = resolveConfig({ context: { headers: [] }, ...config })
    expect(revokedKeyWorksForMs(resolved)).toBe(ms)
  })

  it('is said in seconds, rounded up', () => {
    const say = (timeoutMs: number) => describeRevocation({ cache: false, timeoutMs })
    expect(say(5000)).toBe('a revoked key works for at most 5 s')
    expect(say(1501)).toBe('a revoked key works for at most 1.6 s')
    expect(say(1)).toBe('a revoked key works for at most 0.1 s')
  })
})
