import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createEndpointProof } from '../../src/cli/proof.ts'
import type { RandomKeyOutcome } from '../../src/cli/proof.ts'

describe('the proof that an endpoint denies a random key', () => {
  beforeEach(() => vi.useFakeTimers())
  afterEach(() => vi.useRealTimers())

  function create(...outcomes: RandomKeyOutcome[]) {
    const changes: string[] = []
    const causes: (string | undefined)[] = []
    const ask = vi.fn(async () => {
      const outcome = outcomes.shift() ?? 'no_answer'
      return { outcome, ...(outcome === 'no_answer' ? { cause: 'ECONNREFUSED' } : {}) }
    })
    const onChange = (state: string, cause: string | undefined): void => {
      changes.push(state)
      causes.push(cause)
    }
    return { proof: createEndpointProof({ ask, onChange }), ask, changes, causes }
  }

  it.each([
    ['denied', 'proven'],
    ['allowed', 'open'],
    ['no_answer', 'unproven'],
  ] as const)('after %s the state is %s', async (outcome, state) => {
    const { proof } = create(outcome)
    expect(proof.state()).toBe('unproven')
    expect(await proof.start()).toBe(state)
    expect(proof.state()).toBe(state)
    proof.stop()
  })

  it.each([
    ['proven', 'no_answer', 'proven'],
    ['proven', 'allowed', 'open'],
    ['open', 'no_answer', 'open'],
    ['open', 'denied', 'proven'],
  ] as const)('from %s, after %s, the state is %s', async (known, outcome, state) => {
    const onChange = vi.fn()
    const proof = createEndpointProof({ ask: async () => ({ outcome }), onChange, state: known })
    expect(proof.state()).toBe(known)
    expect(await proof.start()).toBe(state)
    expect(onChange).toHaveBeenCalledTimes(state === known ? 0 : 1)
    proof.stop()
  })

  it('is repeated every ten minutes', async () => {
    const { proof, ask } = create('denied', 'denied')
    await proof.start()
    await vi.advanceTimersByTimeAsync(599_999)
    expect(ask).toHaveBeenCalledTimes(1)
    await vi.advanceTimersByTimeAsync(1)
    expect(ask).toHaveBeenCalledTimes(2)
    proof.stop()
  })

  it('ends if the endpoint allows a random key later', async () => {
    const { proof, changes } = create('denied', 'allowed', 'no_answer', 'denied')
    await proof.start()
    await vi.advanceTimersByTimeAsync(600_000)
    expect(proof.state()).toBe('open')
    await vi.advanceTimersByTimeAsync(2000)
    expect(proof.state()).toBe('open')
    expect(proof.cause()).toBe('open')
    await vi.advanceTimersByTimeAsync(2000)
    expect(proof.state()).toBe('proven')
    expect(changes).toEqual(['proven', 'open', 'proven'])
    proof.stop()
  })

  it('survives an outage, and is retried soon after a failed start', async () => {
    const { proof, changes, causes } = create('no_answer', 'no_answer', 'denied', 'no_answer')
    await proof.start()
    expect(proof.cause()).toBe('ECONNREFUSED')
    await vi.advanceTimersByTimeAsync(4000)
    expect(proof.state()).toBe('proven')
    await vi.advanceTimersByTimeAsync(600_000)
    expect(proof.state()).toBe('proven')
    expect(proof.cause()).toBeUndefined()
    expect(changes).toEqual(['unproven', 'proven'])
    expect(causes).toEqual(['ECONNREFUSED', undefined])
    proof.stop()
  })

  it('stops without leaving a timer', async () => {
    const { proof, ask } = create('denied')
    await proof.start()
    proof.stop()
    expect(vi.getTimerCount()).toBe(0)
    const late = create('denied')
    const started = late.proof.start()
    late.proof.stop()
    await started
    expect(vi.getTimerCount()).toBe(0)
    expect(ask).toHaveBeenCalledTimes(1)
  })
})
