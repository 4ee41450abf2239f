import { beforeEach, describe, expect, it } from 'vitest'
import {
  allow,
  asked,
  cached,
  deny,
  fail,
  pass,
  resetCachedEndpoint,
  state,
} from './cached-endpoint.ts'
import type { CacheBounds } from '../../src/core/seams.ts'
import type { AllowVerdict, ParsedVerdict } from '../../src/core/endpoint/verdict.ts'

beforeEach(resetCachedEndpoint)

describe('a stale allow', () => {
  async function expired(options: Partial<CacheBounds> = { staleIfErrorMs: 500 }, extra = {}) {
    asked.mockImplementationOnce(() => allow(extra))
    const made = cached(options)
    await made.outcome()
    pass(1000)
    return made
  }

  it.each<[string, () => never]>([
    ['no answer in time', fail('timeout')],
    ['an open circuit', fail('circuit_open')],
    ['too many checks', fail('overloaded')],
  ])('is served for %s, and marked', async (_what, answer) => {
    const { ask, outcome, cache } = await expired()
    state.isFailing = true
    asked.mockImplementation(answer)
    expect(cache.lookUpStale('t', 'a')).toMatchObject({ admitted: true })
    expect(await outcome()).toBe('allow stale')
    const verdict = await ask()
    expect(verdict).toEqual({
      outcome: 'allow',
      auth: { principal: 'alice', attributes: {}, stale: true },
    })
    expect(Object.isFrozen((verdict as AllowVerdict).auth)).toBe(true)
  })

  it('gives way to a decision that was cached while the endpoint was asked', async () => {
    const { outcome } = await expired()
    state.isFailing = true
    asked.mockImplementationOnce(async () => {
      asked.mockImplementationOnce(() => allow())
      expect(await outcome()).toBe('allow miss')
      return fail('unreachable')()
    })
    expect(await outcome()).toBe('allow hit')
  })

  it('is served for `staleIfErrorMs` at most', async () => {
    const { outcome } = await expired()
    asked.mockImplementation(fail('unreachable'))
    state.isFailing = true
    pass(499)
    expect(await outcome()).toBe('allow stale')
    pass(1)
    expect(await outcome()).toBe('unreachable miss')
  })

  it('is not served after must-revalidate', async () => {
    const { outcome } = await expired({ staleIfErrorMs: 500 }, { mustRevalidate: true })
    state.isFailing = true
    asked.mockImplementation(fail('unreachable'))
    expect(await outcome()).toBe('unreachable miss')
  })

  it('is not served after an answer with no-store', async () => {
    const { outcome } = await expired()
    state.isFailing = true
    asked
      .mockImplementationOnce(() => allow({ maxAgeMs: 0 }))
      .mockImplementation(fail('unreachable'))
    expect(await outcome()).toBe('allow skipped no_store')
    expect(await outcome()).toBe('unreachable miss')
  })

  it('is not served after a denial beside an outage of another verifier, nor is a call of before cached', async () => {
    const { outcome } = await expired()
    state.isFailing = true
    const answers: ((verdict: ParsedVerdict) => void)[] = []
    asked.mockImplementation(() => new Promise((resolve) => answers.push(resolve)))
    const outcomes = [outcome(), outcome()]
    answers[1]?.(deny({ error: new Error('down') }))
    expect(await outcomes[1]).toBe('deny miss')
    answers[0]?.(allow())
    expect(await outcomes[0]).toBe('allow skipped outdated')
    asked.mockImplementation(fail('unreachable'))
    expect(await outcome()).toBe('unreachable miss')
  })

  it('is not served if it was invalidated while the endpoint was asked', async () => {
    const { outcome, parts } = await expired()
    state.isFailing = true
    asked.mockImplementation(() => {
      parts.forget('t')
      return fail('unreachable')()
    })
    expect(await outcome()).toBe('unreachable miss')
  })

  it('is not served after the time of day went back', async () => {
    const { outcome } = await expired()
    state.isFailing = true
    asked.mockImplementation(fail('unreachable'))
    state.wall -= 5000
    expect(await outcome()).toBe('unreachable miss')
  })
})

describe('calls that overtake each other', () => {
  it('the answer to the later question stands', async () => {
    const answers: ((verdict: ParsedVerdict) => void)[] = []
    asked.mockImplementation(() => new Promise((resolve) => answers.push(resolve)))
    const { ask, outcome } = cached()
    const outcomes = [outcome(), outcome(), outcome('t', 'b')]
    answers[1]?.(allow({ auth: { principal: 'later', attributes: {} } }))
    expect(await outcomes[1]).toBe('allow miss')
    answers[0]?.(allow({ auth: { principal: 'earlier', attributes: {} } }))
    expect(await outcomes[0]).toBe('allow skipped outdated')
    answers[2]?.(allow())
    expect(await outcomes[2]).toBe('allow miss')
    expect(ask()).toMatchObject({ auth: { principal: 'later' } })
    expect(await outcome('t', 'b')).toBe('allow hit')
  })

  it('a denial wipes the allow even if it answers an earlier question', async () => {
    const answers: ((verdict: ParsedVerdict) => void)[] = []
    asked.mockImplementation(() => new Promise((resolve) => answers.push(resolve)))
    const { outcome } = cached()
    const outcomes = [outcome(), outcome()]
    answers[1]?.(allow())
    await outcomes[1]
    answers[0]?.(deny())
    expect(await outcomes[0]).toBe('deny skipped outdated')
    void outcome()
    expect(asked).toHaveBeenCalledTimes(3)
  })

  it('a denial and a concurrent allow are both not cached, since a retry asks later than its call began', async () => {
    const answers: ((verdict: ParsedVerdict) => void)[] = []
    asked.mockImplementation(() => new Promise((resolve) => answers.push(resolve)))
    const { outcome } = cached()
    const outcomes = [outcome(), outcome()]
    answers[0]?.(deny())
    expect(await outcomes[0]).toBe('deny skipped outdated')
    answers[1]?.(allow())
    expect(await outcomes[1]).toBe('allow skipped outdated')
    void outcome()
    expect(asked).toHaveBeenCalledTimes(3)
  })

  it('an allow that is not cached still drops an older denial', async () => {
    const { outcome } = cached()
    asked.mockImplementation(() => deny())
    expect(await outcome()).toBe('deny miss')
    // The time of day is set back, so that the denial is out of sight, and comes into sight again.
    state.wall -= 10
    const answers: ((verdict: ParsedVerdict) => void)[] = []
    asked.mockImplementation(() => new Promise((resolve) => answers.push(resolve)))
    const outcomes = [outcome(), outcome()]
    answers[0]?.(deny({ maxAgeMs: 0 }))
    expect(await outcomes[0]).toBe('deny skipped outdated')
    answers[1]?.(allow())
    expect(await outcomes[1]).toBe('allow skipped outdated')
    state.wall += 10
    asked.mockImplementation(() => allow())
    expect(await outcome()).toBe('allow miss')
  })
})
