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
  /** What became of a check, told without waiting for it. */
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

describe('a flight', () => {
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

  it('is over when it has landed: the next check asks', async () => {
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

  it('fails for all who share it, and traps nobody later (lookup crashes, A-C4)', async () => {
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

  it('fails for all who share it as unavailable', async () => {
    const { ask } = coalesced()
    const checks = [ask(), ask()]
    calls[0]?.reject(new AuthUnavailableError('unreachable'))
    await settle()
    expect(checks.map(({ ended }) => ended())).toEqual(['unreachable', 'unreachable'])
    expect(calls).toHaveLength(1)
  })

  it('brings a denial to all who share it', async () => {
    const { ask } = coalesced()
    const checks = [ask(), ask(), ask()]
    calls[0]?.resolve({ outcome: 'deny', isLasting: true })
    await settle()
    expect(checks.map(({ ended }) => ended())).toEqual(['deny', 'deny', 'deny'])
    expect(calls).toHaveLength(1)
  })

  it('fails for all who share it also with an error of others that names the same reason', async () => {
    const { ask } = coalesced()
    const checks = [ask(), ask()]
    calls[0]?.reject(Object.assign(new Error('bug'), { reason: 'timeout' }))
    await settle()
    for (const { ended } of checks) expect(ended()).toBeInstanceOf(Error)
    expect(calls).toHaveLength(1)
  })

  it('goes on when the request that started it is not waited for (first caller leaves, A-C1)', async () => {
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
    // What the runtime keeps alive must never reject: it would be reported as an error of the worker.
    await expect(registered[0]).resolves.toBeUndefined()
  })
})

describe('a follower', () => {
  it('says that it waited, so that its own call shows no outage for having less time', async () => {
    const { ask } = coalesced()
    const [leader, follower] = [ask(), ask()]
    const joinedAt = performance.now()
    await settle(TIMEOUT / 2)
    expect(calls.map(({ check }) => check)).toEqual([leader.check, follower.check])
    expect([leader.check.waitedSince, follower.check.waitedSince]).toEqual([undefined, joinedAt])
  })

  it('gives the flight half of its time, then asks for itself with the other half', async () => {
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

  it('takes the place of the flight, so that those who come and those who wait share the new one', async () => {
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

  it('is not trapped by flight after flight that never lands: it asks while there is time', async () => {
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

  it('that has an eighth of its time left waits, and does not ask when that is over', async () => {
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

  it('asks no more once it was answered by the flight that it joined first', async () => {
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

  it('that joined late is not failed by a flight that ran out of its own time', async () => {
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

  it('does not join a flight that is past its deadline (A-C9)', async () => {
    const { ask } = coalesced()
    ask()
    await settle(1000)
    ask()
    expect(calls).toHaveLength(2)
  })

  it('asks for itself where the answer must not be shared', async () => {
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

  it('leaves no timer when the flight lands', async () => {
    const { ask } = coalesced()
    ask()
    ask()
    expect(vi.getTimerCount()).toBe(1)
    calls[0]?.resolve(allow())
    await settle()
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('an endpoint that is merely slow', () => {
  it('is waited for: the flight that was joined may still land first', async () => {
    const { ask } = coalesced()
    const checks = Array.from({ length: 20 }, () => ask())
    await settle(700)
    expect(calls).toHaveLength(2)
    calls[0]?.resolve(allow())
    await settle()
    expect(new Set(checks.map(({ ended }) => ended()))).toEqual(new Set(['allow']))
    expect(checks[1]?.check.cache).toBe('shared')
  })

  it('costs few calls where it hangs, however many wait', { tags: ['slow'] }, async () => {
    const { ask } = coalesced()
    const checks = Array.from({ length: 1000 }, () => ask())
    await settle(1000)
    for (const call of calls) call.reject(new AuthUnavailableError('timeout'))
    await settle()
    expect(calls.length).toBeLessThan(6)
    expect(new Set(checks.map(({ ended }) => ended()))).toEqual(new Set(['timeout']))
  })

  it('is waited for where there was no place for a call of ones own', async () => {
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

  it('is not waited for once the other has failed', async () => {
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

  it('is not waited for beyond that, nor where the call of ones own failed', async () => {
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

  it('is not waited for where the call of ones own failed with an error of others', async () => {
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
  ])('is not taken from the late flight where that %s', async (_what, late) => {
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

  it('is not taken from a flight that an invalidation has closed since', async () => {
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

describe('a flight that was closed', () => {
  it('stays closed when it brings a denial: who joined it asks for himself', async () => {
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

describe('a flight that was replaced', () => {
  it('does not end the one that took its place', async () => {
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

describe('forgetting what was replaced', () => {
  it('lets nobody join the one that took its place, though the first has landed', async () => {
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
  it('lets nobody join a twin that may have been asked before it', async () => {
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
  it.each([['t'], [undefined]])(
    'lets nobody join what was asked before: forget(%s)',
    async (token) => {
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
    },
  )
})

it('who joined a flight whose promise the runtime rejects asks at once (workerd, where its request ended)', async () => {
  const lost = Promise.reject(new Error('The request of this promise has ended'))
  lost.catch(() => undefined)
  const { ask } = coalesced()
  // What is made of the flight here is what others wait for.
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

it('who asks what a lost flight was about asks anew', async () => {
  const { ask, forget } = coalesced()
  const late = ask('late')
  for (let turn = 1; turn < 2100; turn += 1) ask(`lost${turn}`)
  await settle(1000)
  for (let turn = 0; turn < 2100; turn += 1) ask(`t${turn}`)
  // One that lands after all does no harm.
  calls[0]?.resolve({ outcome: 'deny', isLasting: true })
  await settle()
  expect(late.ended()).toBe('deny')
  // Every one that was lost is asked anew, and those that are alive are not.
  ask('lost5')
  ask('t5')
  expect(calls).toHaveLength(4201)
  forget()
})

it('flights that were lost do not pile up', async () => {
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

it('looks for what is lost at many flights, again at twice as many, and at none that have landed', async () => {
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

it('puts the question of who joins together at once, since its request may change while it waits', async () => {
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
