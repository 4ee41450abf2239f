import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createEndpointProof } from '../../src/cli/proof.ts'
import type { RandomKeyOutcome } from '../../src/cli/proof.ts'

describe('the proof that an endpoint says no', () => {
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
    ['refused', 'proven'],
    ['let_in', 'open'],
    ['no_answer', 'unproven'],
  ] as const)('is, when a random key is %s: %s', async (outcome, state) => {
    const { proof } = create(outcome)
    expect(proof.state()).toBe('unproven')
    expect(await proof.start()).toBe(state)
    expect(proof.state()).toBe(state)
    proof.stop()
  })

  it.each([
    ['proven', 'no_answer', 'proven'],
    ['proven', 'let_in', 'open'],
    ['open', 'no_answer', 'open'],
    ['open', 'refused', 'proven'],
  ] as const)('known as %s is, when a random key is then %s: %s', async (known, outcome, state) => {
    const onChange = vi.fn()
    const proof = createEndpointProof({ ask: async () => ({ outcome }), onChange, state: known })
    expect(proof.state()).toBe(known)
    expect(await proof.start()).toBe(state)
    expect(onChange).toHaveBeenCalledTimes(state === known ? 0 : 1)
    proof.stop()
  })

  it('is asked for again every ten minutes', async () => {
    const { proof, ask } = create('refused', 'refused')
    await proof.start()
    await vi.advanceTimersByTimeAsync(599_999)
    expect(ask).toHaveBeenCalledTimes(1)
    await vi.advanceTimersByTimeAsync(1)
    expect(ask).toHaveBeenCalledTimes(2)
    proof.stop()
  })

  it('ends when the endpoint lets a random key in later, until it refuses one again', async () => {
    const { proof, changes } = create('refused', 'let_in', 'no_answer', 'refused')
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

  it('outlives an outage, and comes soon after one at the start', async () => {
    const { proof, changes, causes } = create('no_answer', 'no_answer', 'refused', 'no_answer')
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

  it('is not asked for after the end, and leaves no timer', async () => {
    const { proof, ask } = create('refused')
    await proof.start()
    proof.stop()
    expect(vi.getTimerCount()).toBe(0)
    const late = create('refused')
    const started = late.proof.start()
    late.proof.stop()
    await started
    expect(vi.getTimerCount()).toBe(0)
    expect(ask).toHaveBeenCalledTimes(1)
  })
})
