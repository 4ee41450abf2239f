import { describe, expect, it, vi } from 'vitest'
import { GAUGES, Levels } from '../../src/telemetry/levels.ts'
import type { CircuitEvent, KeysEvent, StoreEvent } from '../../src/index.ts'

const keys = (more: Partial<KeysEvent> = {}): KeysEvent => ({
  type: 'keys',
  result: 'fetched',
  verifier: 'jwt',
  ...more,
})
const circuit = (state: CircuitEvent['state'], more: Partial<CircuitEvent> = {}): CircuitEvent => ({
  type: 'circuit',
  state,
  tokens: 'known',
  ...more,
})
const stateOf = (levels: Levels): number =>
  Math.max(levels.circuitState('known'), levels.circuitState('unknown'))

describe('the levels', () => {
  it('have the circuit that lets the least pass, and begin with closed ones', () => {
    const levels = new Levels()
    const after = (event: CircuitEvent): number => (levels.note(event), stateOf(levels))
    expect(stateOf(levels)).toBe(0)
    expect(after(circuit('open', { tokens: 'unknown' }))).toBe(2)
    expect(after(circuit('half_open'))).toBe(2)
    expect(after(circuit('closed', { tokens: 'unknown' }))).toBe(1)
    expect(after(circuit('open', { verifier: 'github' }))).toBe(2)
    expect(after(circuit('closed'))).toBe(2)
    expect(after(circuit('closed', { verifier: 'github' }))).toBe(0)
  })

  it('forget a circuit that has said nothing for ten minutes: its guard may be gone', () => {
    const levels = new Levels()
    const now = vi.spyOn(performance, 'now').mockReturnValue(0)
    levels.note(circuit('open'))
    now.mockReturnValue(600_000)
    expect(stateOf(levels)).toBe(2)
    now.mockReturnValue(600_001)
    expect(stateOf(levels)).toBe(0)
  })

  it('have the age of the oldest keys, which grows', () => {
    const levels = new Levels()
    const now = vi.spyOn(performance, 'now').mockReturnValue(100_000)
    const ageAfter = (event: KeysEvent): unknown => (levels.note(event), levels.keysAgeSeconds())
    expect(levels.keysAgeSeconds()).toBeUndefined()
    expect(ageAfter(keys({ ageMs: 0 }))).toBe(0)
    now.mockReturnValue(103_000)
    expect(levels.keysAgeSeconds()).toBe(3)
    expect(ageAfter(keys({ ageMs: 5000, verifier: 'other' }))).toBe(5)
    expect(ageAfter(keys({ result: 'failed', verifier: 'other' }))).toBe(3)
  })

  it('keep a bounded number of verifiers, and pass over other events', () => {
    const levels = new Levels()
    levels.note({ type: 'store', state: 'lost' })
    for (let index = 0; index < 64; index += 1)
      levels.note(circuit('half_open', { verifier: `v${index}` }))
    levels.note(circuit('open', { verifier: 'one too many' }))
    expect(stateOf(levels)).toBe(1)
    levels.note(circuit('open', { verifier: 'v0' }))
    expect(stateOf(levels)).toBe(2)
  })

  it('have the circuits of known and of unknown tokens apart', () => {
    const levels = new Levels()
    levels.note(circuit('open', { tokens: 'unknown' }))
    levels.note(circuit('half_open', { tokens: 'known' }))
    expect(['known', 'unknown'].map((tokens) => levels.circuitState(tokens as 'known'))).toEqual([
      1, 2,
    ])
  })

  it('have the store, which is up until it says otherwise, and the revocations that it has not taken', () => {
    const [levels, other] = [new Levels(), new Levels()]
    const after = (state?: StoreEvent['state']): unknown => {
      if (state !== undefined) levels.note({ type: 'store', state })
      const gauges = [GAUGES.storeUp([levels, other]), GAUGES.revocationsPending([levels, other])]
      return gauges.map(([sample]) => sample?.value)
    }
    expect(after()).toEqual([1, 0])
    expect(after('lost')).toEqual([0, 0])
    expect(after('revocation_pending')).toEqual([0, 1])
    expect(after('live')).toEqual([1, 1])
    expect(after('revocation_settled')).toEqual([1, 0])
  })
})
