import { beforeEach, describe, expect, it, vi } from 'vitest'
import { AuthUnavailableError } from '../../../src/core/errors.ts'
import { createCheck } from '../../../src/core/request/check.ts'
import type { Check } from '../../../src/core/request/check.ts'
import { checkOf } from '../../support/checks.ts'
import { collectGarbage } from '../../support/garbage.ts'
import { allow, heldCalls, sharedCalls, TIMEOUT } from './held-calls.ts'

const settle = (ms = 0): Promise<unknown> => vi.advanceTimersByTimeAsync(ms)

beforeEach(() => void vi.useFakeTimers())

describe('a shared call', () => {
  it('is one call for a thousand checks that ask the same (shared lookup)', async () => {
    const { calls, ask } = heldCalls()
    const checks = Array.from({ length: 1000 }, () => ask())
    expect(calls).toHaveLength(1)
    if (calls[0] !== undefined) calls[0].facts.endpointStatus = 200
    calls[0]?.resolve(allow())
    await settle()
    expect(new Set(checks.map(({ ended }) => ended()))).toEqual(new Set(['allow']))
    expect(checks.map(({ facts }) => facts.cache)).toEqual([
      'off',
      ...Array<string>(999).fill('shared'),
    ])
    expect(checks[5]?.facts).toMatchObject({ attempts: 0, endpointStatus: 200 })
    expect(vi.getTimerCount()).toBe(0)
  })

  it('is not shared with another token or another question', () => {
    const { calls, ask } = heldCalls()
    ask('t', 'a')
    ask('t', 'b')
    ask('u', 'a')
    expect(calls).toHaveLength(3)
  })

  it('fails for every check that shares it, and the next check asks again', async () => {
    const { calls, ask } = heldCalls()
    const checks = [ask(), ask(), ask()]
    calls[0]?.reject(new Error('bug'))
    await settle()
    for (const { ended } of checks) expect(ended()).toBeInstanceOf(Error)
    const next = ask()
    calls[1]?.resolve(allow())
    await settle()
    expect(next.ended()).toBe('allow')
  })

  it('goes on when the request that started it ends', async () => {
    const registered: Promise<unknown>[] = []
    const leader = createCheck(checkOf().question, 'a', [
      { waitUntil: (call: Promise<unknown>) => registered.push(call) },
    ])
    const { calls, ask } = heldCalls()
    ask('t', 'a', leader)
    const follower = ask()
    expect(registered).toHaveLength(1)
    calls[0]?.reject(new AuthUnavailableError('unreachable'))
    await settle()
    expect(follower.ended()).toBe('unreachable')
    // A promise for waitUntil must never reject: the runtime would report an error of the worker.
    await expect(registered[0]).resolves.toBeUndefined()
  })
})

it('a closed call stays closed when it brings a denial: its followers ask', async () => {
  const { calls, ask, forget } = heldCalls()
  const leader = ask()
  const follower = ask()
  forget('t')
  calls[0]?.resolve({ outcome: 'deny', isLasting: true })
  await settle()
  expect([leader.ended(), follower.ended()]).toEqual(['deny', 'pending'])
  expect(calls).toHaveLength(2)
})

it('a replaced call does not end the newer call', async () => {
  const { calls, ask } = heldCalls()
  ask()
  ask()
  await settle(500)
  calls[0]?.resolve(allow())
  await settle()
  ask()
  expect(calls).toHaveLength(2)
})

it('forgetting a replaced call closes the newer call, though the older one has ended', async () => {
  const { calls, ask, forget } = heldCalls()
  ask()
  ask()
  await settle(500)
  calls[0]?.resolve(allow())
  await settle()
  forget('t')
  ask()
  expect(calls).toHaveLength(3)
})

it('a denial closes concurrent calls, which may have been asked before it', async () => {
  const { calls, ask } = heldCalls()
  ask()
  ask()
  await settle(500)
  calls[0]?.resolve({ outcome: 'deny', isLasting: true })
  await settle()
  ask()
  expect(calls).toHaveLength(3)
})

it('an allow that must not be shared leaves concurrent calls open', async () => {
  const { calls, ask } = heldCalls()
  ask()
  ask()
  calls[0]?.resolve({ ...allow(), maxAgeMs: 0 })
  await settle()
  ask()
  // It does not join the call of a check that asks alone.
  expect(calls).toHaveLength(3)
  calls[1]?.resolve(allow())
  await settle()
  ask()
  expect(calls).toHaveLength(3)
})

it.each([['t'], [undefined]])('forgetting closes earlier calls: forget(%s)', async (token) => {
  const { calls, ask, forget } = heldCalls()
  const early = ask()
  ask('u')
  forget(token)
  const late = ask()
  ask('u')
  expect(calls).toHaveLength(token === undefined ? 4 : 3)
  calls[0]?.resolve(allow())
  await settle()
  expect([early.ended(), late.ended()]).toEqual(['allow', 'pending'])
})

it('a follower asks at once if the runtime rejects the promise of the call (workerd, after its request ended)', async () => {
  const verdict = Promise.reject(new Error('The request of this promise has ended'))
  verdict.catch(() => undefined)
  const { calls, ask, newest } = heldCalls()
  const leader = ask()
  // Followers wait for this promise.
  Object.assign(newest(leader.check) ?? {}, { verdict })
  const follower = ask()
  await settle()
  expect(calls).toHaveLength(2)
  calls[1]?.resolve(allow())
  await settle()
  expect(follower.ended()).toBe('allow')
})

it('a check does not follow a lost call', async () => {
  const { calls, ask, forget } = heldCalls()
  const late = ask('late')
  for (let turn = 1; turn < 2100; turn += 1) ask(`lost${turn}`)
  await settle(TIMEOUT + 1001)
  for (let turn = 0; turn < 2100; turn += 1) ask(`t${turn}`)
  // A late answer does no harm.
  calls[0]?.resolve({ outcome: 'deny', isLasting: true })
  await settle()
  expect(late.ended()).toBe('deny')
  // Lost calls are asked again, and calls that are alive are not.
  ask('lost5')
  ask('t5')
  expect(calls).toHaveLength(4201)
  forget()
})

it('lost calls do not pile up', async () => {
  vi.useRealTimers()
  let time = 0
  const { ask: askShared } = sharedCalls(
    () => new Promise(() => undefined),
    () => time,
  )
  const ask = (token: string): WeakRef<Check> => {
    const check = checkOf(Buffer.alloc(10_000, token).toString(), 'a')
    void askShared(check)
    return new WeakRef(check)
  }
  const heap = (): number => {
    collectGarbage()
    return process.memoryUsage().heapUsed
  }
  const before = heap()
  const lost = Array.from({ length: 4096 }, (_, turn) => {
    time += TIMEOUT / 10
    return ask(`lost${turn}`)
  })
  const underWay = ask('t')
  // A WeakRef holds what it was made for until the turn ends.
  await new Promise((resolve) => setImmediate(resolve))
  expect(heap() - before).toBeLessThan(20_000_000)
  expect(lost.filter((check) => check.deref() !== undefined).length).toBeLessThan(400)
  expect(underWay.deref()).toBeDefined()
})
