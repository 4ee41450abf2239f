import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { AuthUnavailableError } from '../../../src/core/errors.ts'
import { retry } from '../../../src/core/asking/retry.ts'
import { checkOf } from '../../support/checks.ts'
import type { TimedAsk } from '../../../src/core/endpoint/verdict.ts'

const DENY = { outcome: 'deny', isLasting: true } as const
const now = (): number => performance.now()
const error = (reason: AuthUnavailableError['reason'], status?: number, retryAfterMs?: number) =>
  new AuthUnavailableError(reason, { status, retryAfterMs })

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

function retrying(next: TimedAsk, options = {}, random = () => 0.5) {
  const verify = retry(next, { attempts: 1, ...options }, { now, random })
  return (timeoutMs = 5000, signal = new AbortController().signal) => {
    const verdict = Promise.resolve(verify(checkOf(), now() + timeoutMs, signal))
    verdict.catch(() => undefined)
    return verdict
  }
}

describe('retry', () => {
  it('asks once more, after a wait', async () => {
    const next = vi
      .fn<TimedAsk>()
      .mockRejectedValueOnce(error('unreachable'))
      .mockResolvedValue(DENY)
    const verdict = retrying(next)()
    await vi.advanceTimersByTimeAsync(149)
    expect(next).toHaveBeenCalledOnce()
    await vi.advanceTimersByTimeAsync(1)
    expect(await verdict).toBe(DENY)
    expect(next).toHaveBeenCalledTimes(2)
    expect(vi.getTimerCount()).toBe(0)
  })

  it.each([
    [0, 50],
    [1, 250],
  ])('waits between the least and the most, with random %d for %d ms', async (random, delay) => {
    const next = vi.fn<TimedAsk>().mockRejectedValue(error('unreachable'))
    void retrying(next, {}, () => random)()
    await vi.advanceTimersByTimeAsync(delay - 1)
    expect(next).toHaveBeenCalledOnce()
    await vi.advanceTimersByTimeAsync(1)
    expect(next).toHaveBeenCalledTimes(2)
  })

  it('asks no more often than it is told, and passes on the last error', async () => {
    const last = error('service_error', 503)
    const next = vi
      .fn<TimedAsk>()
      .mockRejectedValueOnce(error('unreachable'))
      .mockRejectedValueOnce(error('service_error', 502))
      .mockRejectedValue(last)
    const verdict = retrying(next, { attempts: 2 })()
    await vi.advanceTimersByTimeAsync(1000)
    await expect(verdict).rejects.toBe(last)
    expect(next).toHaveBeenCalledTimes(3)
  })

  it.each([
    ['a timeout', error('timeout')],
    ['a bug', new Error('bug')],
  ])('does not ask again after %s', async (_what, thrown) => {
    const next = vi.fn<TimedAsk>().mockRejectedValue(thrown)
    await expect(retrying(next)()).rejects.toBe(thrown)
    expect(next).toHaveBeenCalledOnce()
  })

  it('does not ask again where the wait would pass the deadline', async () => {
    const next = vi.fn<TimedAsk>().mockRejectedValue(error('unreachable'))
    await expect(retrying(next)(150)).rejects.toMatchObject({ reason: 'unreachable' })
    expect(next).toHaveBeenCalledOnce()
    void retrying(next)(151)
    await vi.advanceTimersByTimeAsync(150)
    expect(next).toHaveBeenCalledTimes(3)
  })

  it('does not ask sooner than the endpoint wishes', async () => {
    const next = vi.fn<TimedAsk>().mockRejectedValue(error('service_error', 503, 2000))
    void retrying(next)()
    await vi.advanceTimersByTimeAsync(1999)
    expect(next).toHaveBeenCalledOnce()
    await vi.advanceTimersByTimeAsync(1)
    expect(next).toHaveBeenCalledTimes(2)
    await expect(retrying(next)(1000)).rejects.toMatchObject({ reason: 'service_error' })
  })

  it('ends the wait with the signal', async () => {
    const controller = new AbortController()
    const next = vi.fn<TimedAsk>().mockRejectedValue(error('unreachable'))
    const verdict = retrying(next)(5000, controller.signal)
    await vi.advanceTimersByTimeAsync(10)
    controller.abort()
    await expect(verdict).rejects.toMatchObject({ reason: 'unreachable' })
    expect(next).toHaveBeenCalledOnce()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('gives a quiet instance ten retries in ten seconds', async () => {
    const next = vi.fn<TimedAsk>().mockRejectedValue(error('unreachable'))
    const ask = retrying(next)
    for (let turn = 0; turn < 20; turn += 1) {
      void ask()
      await vi.advanceTimersByTimeAsync(200)
    }
    expect(next).toHaveBeenCalledTimes(30)
    await vi.advanceTimersByTimeAsync(11_000)
    void ask()
    await vi.advanceTimersByTimeAsync(200)
    expect(next).toHaveBeenCalledTimes(32)
  })

  it('asks again for at most a tenth of the checks of a busy instance', async () => {
    const next = vi.fn<TimedAsk>().mockRejectedValue(error('unreachable'))
    const ask = retrying(next)
    for (let turn = 0; turn < 500; turn += 1) {
      void ask()
      await vi.advanceTimersByTimeAsync(1)
    }
    await vi.advanceTimersByTimeAsync(1000)
    expect(next.mock.calls.length - 500).toBeLessThanOrEqual(50)
    expect(next.mock.calls.length - 500).toBeGreaterThanOrEqual(45)
  })
})
