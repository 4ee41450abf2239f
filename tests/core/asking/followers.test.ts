import { beforeEach, describe, expect, it, vi } from 'vitest'
import { AuthUnavailableError } from '../../../src/core/errors.ts'
import { allow, heldCalls, sharedCalls, TIMEOUT } from './held-calls.ts'
import type { ParsedVerdict } from '../../../src/core/endpoint/verdict.ts'

const settle = (ms = 0): Promise<unknown> => vi.advanceTimersByTimeAsync(ms)

beforeEach(() => void vi.useFakeTimers())

describe('a follower', () => {
  it('says since when it waited, so that the short time of its own call shows no outage', async () => {
    const { calls, ask } = heldCalls()
    const checks = [ask(), ask()].map(({ check }) => check)
    const waitedSince = performance.now()
    await settle(TIMEOUT / 2)
    expect(calls).toMatchObject([
      { check: checks[0], waitedSince: undefined },
      { check: checks[1], waitedSince },
    ])
  })

  it('starts a call that later and waiting checks share', async () => {
    const { calls, ask } = heldCalls()
    ask()
    const followers = Array.from({ length: 100 }, () => ask())
    await settle(500)
    expect(calls).toHaveLength(2)
    const late = ask()
    expect(calls).toHaveLength(2)
    calls[1]?.resolve(allow())
    await settle()
    expect(new Set([...followers, late].map(({ ended }) => ended()))).toEqual(new Set(['allow']))
  })

  it('takes no earlier allow after a check that asked alone was denied', async () => {
    const { calls, ask } = heldCalls()
    const [, , follower] = [ask(), ask(), ask()]
    await settle(TIMEOUT / 2)
    const late = ask()
    // The endpoint forbids sharing the second call, so both ask alone.
    calls[1]?.resolve(allow({ maxAgeMs: 0 }))
    await settle()
    expect(calls.map(({ check }) => check).slice(2)).toEqual([follower?.check, late.check])
    calls[3]?.resolve({ outcome: 'deny', isLasting: true })
    await settle()
    calls[0]?.resolve(allow())
    await settle()
    expect([late.ended(), follower?.ended()]).toEqual(['deny', 'pending'])
    calls[2]?.resolve({ outcome: 'deny', isLasting: true })
    await settle()
    expect(follower?.ended()).toBe('deny')
  })

  it('asks while it has time, even if call after call never ends', async () => {
    const { calls, ask } = heldCalls()
    ask()
    const followers = Array.from({ length: 4 }, () => ask())
    await settle(900)
    // Each waits for half of what it has left, and with an eighth left asks for itself.
    expect(calls.length).toBeGreaterThan(3)
    for (const call of calls.slice(1)) call.resolve(allow())
    await settle()
    expect(new Set(followers.map(({ ended }) => ended()))).toEqual(new Set(['allow']))
  })

  it('that has an eighth of its time left waits, and then does not ask', async () => {
    const { calls, ask } = heldCalls()
    ask()
    const followers = Array.from({ length: 4 }, () => ask())
    await settle(999)
    expect(calls).toHaveLength(4)
    expect(followers[3]?.ended()).toBe('pending')
    await settle(2)
    expect(calls).toHaveLength(4)
    expect(followers[3]?.ended()).toBe('timeout')
  })

  it.each([
    [10, 2],
    [9, 1],
  ])(
    'whose timer is late and leaves it %d ms of a second has made %d calls',
    async (restMs, expected) => {
      let lateMs = 0
      const now = (): number => performance.now() + lateMs
      let made = 0
      const { ask } = sharedCalls(() => {
        made += 1
        return new Promise(() => undefined)
      }, now)
      void ask()
      ask().catch(() => undefined)
      lateMs = TIMEOUT / 2 - restMs
      await settle(TIMEOUT / 2)
      expect(made).toBe(expected)
    },
  )

  it('does not ask after the call that it followed first has answered', async () => {
    const { calls, ask } = heldCalls()
    ask()
    const followers = [ask(), ask()]
    await settle(600)
    expect(calls).toHaveLength(2)
    calls[0]?.resolve(allow())
    await settle()
    expect(followers.map(({ ended }) => ended())).toEqual(['allow', 'allow'])
    await settle(300)
    expect(calls).toHaveLength(2)
  })

  it('that came late does not fail with the timeout of the call', async () => {
    const { calls, ask } = heldCalls()
    const leader = ask()
    await settle(700)
    const follower = ask()
    await settle(200)
    calls[0]?.reject(new AuthUnavailableError('timeout'))
    await settle()
    expect(leader.ended()).toBe('timeout')
    expect(follower.ended()).toBe('pending')
    expect(calls).toHaveLength(2)
    expect(calls[1]?.deadline).toBe(performance.now() + 800)
    calls[1]?.resolve(allow())
    await settle()
    expect(follower.ended()).toBe('allow')
  })

  it('does not follow a call that is past its deadline', async () => {
    const { calls, ask } = heldCalls()
    ask()
    await settle(1000)
    ask()
    expect(calls).toHaveLength(2)
  })

  it('asks itself if the answer must not be shared', async () => {
    const { calls, ask } = heldCalls()
    const checks = [ask(), ask(), ask()]
    await settle(100)
    calls[0]?.resolve(allow({ maxAgeMs: 0 }))
    await settle()
    expect(calls).toHaveLength(3)
    expect(calls[1]?.deadline).toBe(performance.now() + 900)
    calls[1]?.resolve(allow({ maxAgeMs: 0 }))
    calls[2]?.resolve({ outcome: 'deny', isLasting: true })
    await settle()
    expect(checks.map(({ ended }) => ended())).toEqual(['allow', 'allow', 'deny'])
    expect(checks[1]?.facts.cache).toBe('off')
  })
})

describe('a slow endpoint', () => {
  it('gets few calls if it hangs, however many checks wait', { tags: ['slow'] }, async () => {
    const { calls, ask } = heldCalls()
    const checks = Array.from({ length: 1000 }, () => ask())
    await settle(1000)
    for (const call of calls) call.reject(new AuthUnavailableError('timeout'))
    await settle()
    expect(calls.length).toBeLessThan(6)
    expect(new Set(checks.map(({ ended }) => ended()))).toEqual(new Set(['timeout']))
  })

  it('is waited for if the own call is overloaded', async () => {
    const { calls, ask } = heldCalls()
    ask()
    const follower = ask()
    await settle(500)
    calls[1]?.reject(new AuthUnavailableError('overloaded'))
    await settle()
    expect(follower.ended()).toBe('pending')
    calls[0]?.resolve(allow())
    await settle()
    expect(follower.ended()).toBe('allow')
    expect(vi.getTimerCount()).toBe(0)
  })

  it('is not waited for after the older call has failed', async () => {
    const { calls, ask } = heldCalls()
    ask()
    const follower = ask()
    await settle(500)
    calls[1]?.reject(new AuthUnavailableError('overloaded'))
    await settle()
    calls[0]?.reject(new AuthUnavailableError('unreachable'))
    await settle()
    expect(follower.ended()).toBe('overloaded')
  })

  it('is not waited for after the deadline, or after the own call failed', async () => {
    const { calls, ask } = heldCalls()
    ask()
    const follower = ask()
    await settle(500)
    calls[1]?.reject(new AuthUnavailableError('overloaded'))
    await settle(500)
    expect(follower.ended()).toBe('overloaded')
    const { calls: later, ask: again } = heldCalls()
    again()
    const other = again()
    await settle(500)
    later[1]?.reject(new AuthUnavailableError('unreachable'))
    await settle()
    expect(other.ended()).toBe('unreachable')
  })

  it.each<[string, () => ParsedVerdict | undefined]>([
    ['must not be shared', () => allow({ maxAgeMs: 0 })],
    ['fails', () => undefined],
  ])('does not answer by the older call if that %s', async (_what, late) => {
    const { calls, ask } = heldCalls()
    ask()
    const follower = ask()
    await settle(500)
    const verdict = late()
    if (verdict === undefined) calls[0]?.reject(new AuthUnavailableError('unreachable'))
    else calls[0]?.resolve(verdict)
    await settle()
    expect(follower.ended()).toBe('pending')
    expect(calls).toHaveLength(2)
    calls[1]?.resolve({ outcome: 'deny', isLasting: true })
    await settle()
    expect(follower.ended()).toBe('deny')
  })
})
