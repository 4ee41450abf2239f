import { beforeEach, describe, expect, it, vi } from 'vitest'
import { AuthUnavailableError } from '../../../src/core/errors.ts'
import { callsTo } from './calls.ts'
import { checkOf } from '../../support/checks.ts'
import type { Attempt, ParsedVerdict } from '../../../src/core/endpoint/verdict.ts'

const DENY = { outcome: 'deny', isLasting: true } as const

type Answer = (attempt: Attempt) => ParsedVerdict | Promise<ParsedVerdict>

/** How a check ends, told without waiting for it. */
function run(answer: Answer): { ended: () => unknown } {
  let ended: unknown = 'pending'
  void callsTo((_check, attempt) => answer(attempt))
    .run(checkOf(), 100)
    .then(
      (value) => (ended = value),
      (error: unknown) => (ended = error instanceof AuthUnavailableError ? error.reason : error),
    )
  return { ended: () => ended }
}

beforeEach(() => void vi.useFakeTimers())

describe('deadline', () => {
  const limited = new AuthUnavailableError('rate_limited', { status: 429 })

  it('passes on the deadline and the verdict, and leaves no timer', async () => {
    const next = vi.fn<Answer>().mockResolvedValue(DENY)
    const { ended } = run(next)
    await vi.advanceTimersByTimeAsync(0)
    expect(ended()).toBe(DENY)
    expect(next).toHaveBeenCalledExactlyOnceWith(
      expect.objectContaining({
        deadline: performance.now() + 100,
        signal: expect.any(AbortSignal),
      }),
    )
    expect(vi.getTimerCount()).toBe(0)
  })

  it('passes on what is thrown in time, and leaves no timer', async () => {
    const error = new Error('bug')
    const { ended } = run(() => {
      throw error
    })
    await vi.advanceTimersByTimeAsync(0)
    expect(ended()).toBe(error)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('aborts the signal and ends as timeout, even if the call ignores it', async () => {
    const signals: AbortSignal[] = []
    const { ended } = run(({ signal }) => {
      signals.push(signal)
      return new Promise(() => undefined)
    })
    await vi.advanceTimersByTimeAsync(99)
    expect(ended()).toBe('pending')
    expect(signals[0]?.aborted).toBe(false)
    await vi.advanceTimersByTimeAsync(2)
    expect(ended()).toBe('timeout')
    expect(signals[0]?.aborted).toBe(true)
    expect(vi.getTimerCount()).toBe(0)
  })

  it.each([
    ['a bug', new TypeError('aborted'), 'timeout'],
    ['no connection', new AuthUnavailableError('unreachable'), 'timeout'],
    ['an error of others with a status', Object.assign(new Error(), { status: 500 }), 'timeout'],
    ['a 429 whose body did not end', limited, 'rate_limited'],
  ])('of an aborted call that throws %s', async (_what, thrown, expected) => {
    const { ended } = run(
      ({ signal }) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(thrown))
        }),
    )
    await vi.advanceTimersByTimeAsync(101)
    expect(ended()).toBe(expected)
  })

  it('takes a verdict that was only waiting for a body', async () => {
    const { ended } = run(
      ({ signal }) =>
        new Promise((resolve) => signal.addEventListener('abort', () => resolve(DENY))),
    )
    await vi.advanceTimersByTimeAsync(101)
    expect(ended()).toBe(DENY)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('counts a call that was given up once, however it ends later', async () => {
    const late = (): Promise<never> =>
      new Promise((_resolve, reject) => {
        setTimeout(() => reject(new AuthUnavailableError('unreachable')), 500)
      })
    const { run: runLate, circuits } = callsTo(late, { circuitBreaker: { openMs: 5000 } })
    const fail = async (times: number): Promise<void> => {
      for (let turn = 0; turn < times; turn += 1) runLate(checkOf(), 100).catch(() => undefined)
      await vi.advanceTimersByTimeAsync(600)
    }
    await fail(9)
    expect(circuits).toEqual([])
    await fail(1)
    expect(circuits).toEqual(['unknown open'])
  })
})
