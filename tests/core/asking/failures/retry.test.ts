import { beforeEach, describe, expect, it, vi } from 'vitest'
import { AuthUnavailableError } from '../../../../src/core/errors.ts'
import { callsTo } from '../calls.ts'
import { checkOf } from '../../../support/checks.ts'
import type { Attempt, ParsedVerdict } from '../../../../src/core/endpoint/verdict.ts'
import type { Check } from '../../../../src/core/request/check.ts'

const DENY = { outcome: 'deny', isLasting: true } as const
const error = (reason: AuthUnavailableError['reason'], status?: number, retryAfterMs?: number) =>
  new AuthUnavailableError(reason, { status, retryAfterMs })

beforeEach(() => void vi.useFakeTimers())

type Next = (check: Check, attempt: Attempt) => ParsedVerdict | Promise<ParsedVerdict>

function retrying(next: Next, attempts = 1, random = () => 0.5) {
  const { run } = callsTo(next, { retry: { attempts } }, { random })
  return (timeoutMs = 5000) => {
    const verdict = run(checkOf(), timeoutMs)
    verdict.catch(() => undefined)
    return verdict
  }
}

describe('retry', () => {
  it('asks once more, after a wait', async () => {
    const next = vi.fn<Next>().mockRejectedValueOnce(error('unreachable')).mockResolvedValue(DENY)
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
    const next = vi.fn<Next>().mockRejectedValue(error('unreachable'))
    void retrying(next, 1, () => random)()
    await vi.advanceTimersByTimeAsync(delay - 1)
    expect(next).toHaveBeenCalledOnce()
    await vi.advanceTimersByTimeAsync(1)
    expect(next).toHaveBeenCalledTimes(2)
  })

  it('asks no more often than it is told, and passes on the last error', async () => {
    const last = error('service_error', 503)
    const next = vi
      .fn<Next>()
      .mockRejectedValueOnce(error('unreachable'))
      .mockRejectedValueOnce(error('service_error', 502))
      .mockRejectedValue(last)
    const verdict = retrying(next, 2)()
    await vi.advanceTimersByTimeAsync(1000)
    await expect(verdict).rejects.toBe(last)
    expect(next).toHaveBeenCalledTimes(3)
  })

  it('does not ask again after a bug', async () => {
    const bug = new Error('bug')
    const next = vi.fn<Next>().mockRejectedValue(bug)
    const verdict = retrying(next)()
    await vi.advanceTimersByTimeAsync(1000)
    await expect(verdict).rejects.toBe(bug)
    expect(next).toHaveBeenCalledOnce()
  })

  it('does not ask again where the wait would pass the deadline', async () => {
    const next = vi.fn<Next>().mockRejectedValue(error('unreachable'))
    await expect(retrying(next)(150)).rejects.toMatchObject({ reason: 'unreachable' })
    expect(next).toHaveBeenCalledOnce()
    void retrying(next)(151)
    await vi.advanceTimersByTimeAsync(150)
    expect(next).toHaveBeenCalledTimes(3)
  })

  it('does not ask sooner than the endpoint wishes', async () => {
    const next = vi.fn<Next>().mockRejectedValue(error('service_error', 503, 2000))
    void retrying(next)()
    await vi.advanceTimersByTimeAsync(1999)
    expect(next).toHaveBeenCalledOnce()
    await vi.advanceTimersByTimeAsync(1)
    expect(next).toHaveBeenCalledTimes(2)
    await expect(retrying(next)(1000)).rejects.toMatchObject({ reason: 'service_error' })
  })

  it('ends the wait at the deadline, if its timer is late', async () => {
    const next = vi.fn<Next>().mockRejectedValue(error('unreachable'))
    const verdict = retrying(next)(151)
    // The clock says that there is time, and the timer of the deadline is the first to fire.
    vi.setSystemTime(0)
    await vi.advanceTimersByTimeAsync(10)
    expect(next).toHaveBeenCalledOnce()
    await vi.advanceTimersByTimeAsync(1000)
    await expect(verdict).rejects.toMatchObject({ reason: 'unreachable' })
    expect(vi.getTimerCount()).toBe(0)
  })

  it('gives a quiet instance ten retries in ten seconds', async () => {
    const next = vi.fn<Next>().mockRejectedValue(error('unreachable'))
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
    const next = vi.fn<Next>().mockRejectedValue(error('unreachable'))
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
