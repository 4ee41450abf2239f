import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { Check } from '../../../src/core/request/check.ts'
import { AuthUnavailableError } from '../../../src/core/errors.ts'
import { SharedCalls } from '../../../src/core/policies/shared-calls.ts'
import { checkOf } from '../../support/checks.ts'
import { collectGarbage } from '../../support/garbage.ts'
import type { Verifier } from '../../../src/core/endpoint/verdict.ts'
import type { AllowVerdict, ParsedVerdict } from '../../../src/core/endpoint/verdict.ts'

const TIMEOUT = 1000

interface Call {
  readonly check: Check
  readonly deadline: number
  readonly resolve: (verdict: ParsedVerdict) => void
  readonly reject: (error: unknown) => void
}

let calls: Call[] = []

const allow = (extra: Partial<AllowVerdict> = {}): AllowVerdict => ({
  outcome: 'allow',
  auth: { attributes: {} },
  ...extra,
})

function coalesced() {
  const shared = new SharedCalls(
    (check, deadline) =>
      new Promise((resolve, reject) => calls.push({ check, deadline, resolve, reject })),
    { timeoutMs: TIMEOUT },
    { now: () => performance.now() },
  )
  /** The result of a check, or `pending`. */
  const ask = (token = 't', told = 'a', check = checkOf(token, told)) => {
    let ended: unknown = 'pending'
    void shared.ask(check, performance.now() + TIMEOUT).then(
      ({ outcome }) => (ended = outcome),
      (error: unknown) => (ended = error instanceof AuthUnavailableError ? error.reason : error),
    )
    return { check, ended: () => ended }
  }
  return { ask, forget: (token?: string) => shared.forget(token) }
}

const settle = (ms = 0): Promise<unknown> => vi.advanceTimersByTimeAsync(ms)

beforeEach(() => {
  vi.useFakeTimers()
  calls = []
})
afterEach(() => {
  vi.useRealTimers()
})

describe('a shared call', () => {
  it('is one call for a thousand checks that ask the same (shared lookup)', async () => {
    const { ask } = coalesced()
    const checks = Array.from({ length: 1000 }, () => ask())
    expect(calls).toHaveLength(1)
    if (calls[0] !== undefined) calls[0].check.endpointStatus = 200
    calls[0]?.resolve(allow())
    await settle()
    expect(new Set(checks.map(({ ended }) => ended()))).toEqual(new Set(['allow']))
    expect(checks.map(({ check }) => check.cache)).toEqual([
      'off',
      ...Array<string>(999).fill('shared'),
    ])
    expect(checks[5]?.check).toMatchObject({ attempts: 0, endpointStatus: 200 })
    expect(vi.getTimerCount()).toBe(0)
  })

  it('is over when it ends: the next check asks', async () => {
    const { ask } = coalesced()
    ask()
    calls[0]?.resolve(allow())
    await settle()
    ask()
    expect(calls).toHaveLength(2)
  })

  it('is not shared with another token or another question', () => {
    const { ask } = coalesced()
    ask('t', 'a')
    ask('t', 'b')
    ask('u', 'a')
    expect(calls).toHaveLength(3)
  })

  it('fails for every check that shares it, and the next check asks again', async () => {
    const { ask } = coalesced()
    const checks = [ask(), ask(), ask()]
    calls[0]?.reject(new Error('bug'))
    await settle()
    for (const { ended } of checks) expect(ended()).toBeInstanceOf(Error)
    const next = ask()
    calls[1]?.resolve(allow())
    await settle()
    expect(next.ended()).toBe('allow')
  })

  it('fails for every check that shares it as unavailable', async () => {
    const { ask } = coalesced()
    const checks = [ask(), ask()]
    calls[0]?.reject(new AuthUnavailableError('unreachable'))
    await settle()
    expect(checks.map(({ ended }) => ended())).toEqual(['unreachable', 'unreachable'])
    expect(calls).toHaveLength(1)
  })

  it('brings a denial to every check that shares it', async () => {
    const { ask } = coalesced()
    const checks = [ask(), ask(), ask()]
    calls[0]?.resolve({ outcome: 'deny', isLasting: true })
    await settle()
    expect(checks.map(({ ended }) => ended())).toEqual(['deny', 'deny', 'deny'])
    expect(calls).toHaveLength(1)
  })

  it('fails for every check with an error of another class that has the same reason', async () => {
    const { ask } = coalesced()
    const checks = [ask(), ask()]
    calls[0]?.reject(Object.assign(new Error('bug'), { reason: 'timeout' }))
    await settle()
    for (const { ended } of checks) expect(ended()).toBeInstanceOf(Error)
    expect(calls).toHaveLength(1)
  })

  it('goes on when the request that started it ends', async () => {
    const registered: Promise<unknown>[] = []
    const leader = new Check('t', 'a', () => checkOf().question, [
      { waitUntil: (call: Promise<unknown>) => registered.push(call) },
    ])
    const { ask } = coalesced()
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

describe('a follower', () => {
  it('records that it waited, so that the short timeout of its own call shows no outage', async () => {
    const { ask } = coalesced()
    const [leader, follower] = [ask(), ask()]
    const joinedAt = performance.now()
    await settle(TIMEOUT / 2)
    expect(calls.map(({ check }) => check)).toEqual([leader.check, follower.check])
    expect([leader.check.waitedSince, follower.check.waitedSince]).toEqual([undefined, joinedAt])
  })

  it('waits for half of its time, then asks with the other half', async () => {
    const { ask } = coalesced()
    ask()
    const follower = ask()
    await settle(499)
    expect(calls).toHaveLength(1)
    await settle(1)
    expect(calls).toHaveLength(2)
    expect(calls[1]?.deadline).toBe(performance.now() + 500)
    calls[1]?.resolve(allow())
    await settle()
    expect(follower.ended()).toBe('allow')
    expect(follower.check.cache).toBe('off')
  })

  it('starts a call that later and waiting checks share', async () => {
    const { ask } = coalesced()
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

  it('asks while it has time, even if call after call never ends', async () => {
    const { ask } = coalesced()
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
    const { ask } = coalesced()
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
      const next: Verifier = () => {
        made += 1
        return new Promise(() => undefined)
      }
      const shared = new SharedCalls(next, { timeoutMs: TIMEOUT }, { now })
      void shared.ask(checkOf(), now() + TIMEOUT)
      void shared.ask(checkOf(), now() + TIMEOUT).catch(() => undefined)
      lateMs = TIMEOUT / 2 - restMs
      await settle(TIMEOUT / 2)
      expect(made).toBe(expected)
    },
  )

  it('does not ask after the call that it followed first has answered', async () => {
    const { ask } = coalesced()
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
    const { ask } = coalesced()
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
    const { ask } = coalesced()
    ask()
    await settle(1000)
    ask()
    expect(calls).toHaveLength(2)
  })

  it('asks itself if the answer must not be shared', async () => {
    const { ask } = coalesced()
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
    expect(checks[1]?.check.cache).toBe('off')
  })

  it('leaves no timer when the call ends', async () => {
    const { ask } = coalesced()
    ask()
    ask()
    expect(vi.getTimerCount()).toBe(1)
    calls[0]?.resolve(allow())
    await settle()
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('a slow endpoint', () => {
  it('is waited for: the older call may still answer first', async () => {
    const { ask } = coalesced()
    const checks = Array.from({ length: 20 }, () => ask())
    await settle(700)
    expect(calls).toHaveLength(2)
    calls[0]?.resolve(allow())
    await settle()
    expect(new Set(checks.map(({ ended }) => ended()))).toEqual(new Set(['allow']))
    expect(checks[1]?.check.cache).toBe('shared')
  })

  it('gets few calls if it hangs, however many checks wait', { tags: ['slow'] }, async () => {
    const { ask } = coalesced()
    const checks = Array.from({ length: 1000 }, () => ask())
    await settle(1000)
    for (const call of calls) call.reject(new AuthUnavailableError('timeout'))
    await settle()
    expect(calls.length).toBeLessThan(6)
    expect(new Set(checks.map(({ ended }) => ended()))).toEqual(new Set(['timeout']))
  })

  it('is waited for if the own call is overloaded', async () => {
    const { ask } = coalesced()
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
    const { ask } = coalesced()
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
    const { ask } = coalesced()
    ask()
    const follower = ask()
    await settle(500)
    calls[1]?.reject(new AuthUnavailableError('overloaded'))
    await settle(500)
    expect(follower.ended()).toBe('overloaded')
    const { ask: again } = coalesced()
    again()
    const other = again()
    await settle(500)
    calls[3]?.reject(new AuthUnavailableError('unreachable'))
    await settle()
    expect(other.ended()).toBe('unreachable')
  })

  it('is not waited for after the own call failed with an error of another class', async () => {
    const { ask } = coalesced()
    ask()
    const follower = ask()
    await settle(500)
    calls[1]?.reject(Object.assign(new Error('bug'), { reason: 'overloaded' }))
    await settle()
    expect(follower.ended()).toBeInstanceOf(Error)
  })

  it.each<[string, () => ParsedVerdict | undefined]>([
    ['must not be shared', () => allow({ maxAgeMs: 0 })],
    ['fails', () => undefined],
  ])('does not answer by the older call if that %s', async (_what, late) => {
    const { ask } = coalesced()
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

  it('does not answer by a call that an invalidation has closed', async () => {
    const { ask, forget } = coalesced()
    const leader = ask()
    const follower = ask()
    forget('t')
    calls[0]?.resolve(allow())
    await settle()
    expect(leader.ended()).toBe('allow')
    expect(follower.ended()).toBe('pending')
    calls[1]?.resolve(allow())
    await settle()
    expect(follower.ended()).toBe('allow')
  })
})

describe('a closed call', () => {
  it('stays closed when it brings a denial: its followers ask', async () => {
    const { ask, forget } = coalesced()
    const leader = ask()
    const follower = ask()
    forget('t')
    calls[0]?.resolve({ outcome: 'deny', isLasting: true })
    await settle()
    expect([leader.ended(), follower.ended()]).toEqual(['deny', 'pending'])
    expect(calls).toHaveLength(2)
  })
})

describe('a replaced call', () => {
  it('does not end the newer call', async () => {
    const { ask } = coalesced()
    ask()
    ask()
    await settle(500)
    calls[0]?.resolve(allow())
    await settle()
    ask()
    expect(calls).toHaveLength(2)
  })
})

describe('forgetting a replaced call', () => {
  it('closes the newer call, though the older one has ended', async () => {
    const { ask, forget } = coalesced()
    ask()
    ask()
    await settle(500)
    calls[0]?.resolve(allow())
    await settle()
    forget('t')
    ask()
    expect(calls).toHaveLength(3)
  })
})

describe('a denial', () => {
  it('closes concurrent calls, which may have been asked before it', async () => {
    const { ask } = coalesced()
    ask()
    ask()
    await settle(500)
    calls[0]?.resolve({ outcome: 'deny', isLasting: true })
    await settle()
    ask()
    expect(calls).toHaveLength(3)
  })
})

describe('forgetting', () => {
  it.each([['t'], [undefined]])('closes earlier calls: forget(%s)', async (token) => {
    const { ask, forget } = coalesced()
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
})

it('a follower asks at once if the runtime rejects the promise of the call (workerd, after its request ended)', async () => {
  const lost = Promise.reject(new Error('The request of this promise has ended'))
  lost.catch(() => undefined)
  const { ask } = coalesced()
  // Followers wait for the promise that `then` returns here.
  const then = Object.getOwnPropertyDescriptor(Promise.prototype, 'then') ?? {}
  void Object.defineProperty(Promise.prototype, 'then', { ...then, value: () => lost })
  ask()
  void Object.defineProperty(Promise.prototype, 'then', then)
  const follower = ask()
  await settle()
  expect(calls).toHaveLength(2)
  calls[1]?.resolve(allow())
  await settle()
  expect(follower.ended()).toBe('allow')
})

it('a check does not follow a lost call', async () => {
  const { ask, forget } = coalesced()
  const late = ask('late')
  for (let turn = 1; turn < 2100; turn += 1) ask(`lost${turn}`)
  await settle(1000)
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
  const never: Verifier = () => new Promise(() => undefined)
  const shared = new SharedCalls(never, { timeoutMs: TIMEOUT }, { now: () => time })
  const ask = (token: string): WeakRef<Check> => {
    const check = checkOf(token, 'a')
    void shared.ask(check, time + TIMEOUT)
    return new WeakRef(check)
  }
  const lost = Array.from({ length: 2048 }, (_, turn) => ask(`lost${turn}`))
  time = TIMEOUT
  const underWay = ask('t')
  // A WeakRef holds what it was made for until the turn ends.
  await new Promise((resolve) => setImmediate(resolve))
  collectGarbage()
  expect(lost.filter((check) => check.deref() !== undefined)).toHaveLength(0)
  expect(underWay.deref()).toBeDefined()
})

it('looks for lost calls at 2,048 calls under way, and again at twice as many', async () => {
  const time = vi.fn(() => 0)
  const never: Verifier = () => new Promise(() => undefined)
  const next = vi.fn<Verifier>()
  const shared = new SharedCalls(next, { timeoutMs: TIMEOUT }, { now: time })
  const looks = async (count: number, prefix: string): Promise<number> => {
    time.mockClear()
    for (let turn = 0; turn < count; turn += 1) {
      const verdict = shared.ask(checkOf(`${prefix}${turn}`), TIMEOUT)
      if (prefix === 'landed') await verdict
    }
    return time.mock.calls.length
  }
  next.mockImplementation(() => allow())
  expect(await looks(4096, 'landed')).toBe(0)
  next.mockImplementation(never)
  expect(await looks(2048, 'a')).toBe(0)
  expect(await looks(2048, 'b')).toBe(1)
  expect(await looks(1, 'c')).toBe(1)
})

it('builds the question of a follower at once, since its request may change while it waits', async () => {
  const { ask } = coalesced()
  ask()
  let path = '/asked'
  const question = () => ({ token: 't', request: { path, headers: {}, params: {} } })
  ask('t', 'a', new Check('t', 'a', question, []))
  path = '/changed'
  await settle(TIMEOUT / 2)
  expect(calls).toHaveLength(2)
  expect(calls[1]?.check.question.request.path).toBe('/asked')
})
