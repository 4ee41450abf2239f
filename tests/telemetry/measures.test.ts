import { describe, expect, it, vi } from 'vitest'
import { countedReason, isOutage, keysResult, Levels } from '../../src/telemetry/measures.ts'
import type { CircuitEvent, KeysEvent } from '../../src/index.ts'

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

it.each([
  ['denied', false],
  ['forbidden', false],
  ['malformed_request', false],
  ['timeout', true],
  ['circuit_open', true],
  ['internal_error', true],
  ['not_configured', true],
] as const)('%s is an outage: %s', (reason, expected) => {
  expect(isOutage({ reason })).toBe(expected)
})

it('a key that was not searched for is no outage, and is counted by itself', () => {
  const why = { reason: 'overloaded', detail: 'unknown_key' } as const
  expect([isOutage(why), countedReason(why.reason, why.detail)]).toEqual([false, 'unknown_key'])
  expect([isOutage({ reason: 'overloaded' }), isOutage({})]).toEqual([true, false])
  expect(countedReason('denied', 'unknown_key')).toBe('denied')
  expect(countedReason('overloaded', undefined)).toBe('overloaded')
})

it.each([
  [keys(), 'ok'],
  [keys({ result: 'failed', reason: 'timeout' }), 'timeout'],
  [keys({ result: 'failed', reason: 'invalid_response' }), 'invalid'],
  [keys({ result: 'failed', reason: 'unreachable' }), 'error'],
  [keys({ result: 'failed' }), 'error'],
])('the result of %j is %s', (event, result) => {
  expect(keysResult(event)).toBe(result)
})

describe('the levels', () => {
  it('have the circuit that lets the least pass, and begin with closed ones', () => {
    const levels = new Levels()
    const after = (event: CircuitEvent): number => (levels.note(event), levels.circuitState())
    expect(levels.circuitState()).toBe(0)
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
    expect(levels.circuitState()).toBe(2)
    now.mockReturnValue(600_001)
    expect(levels.circuitState()).toBe(0)
    now.mockRestore()
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
    now.mockRestore()
  })

  it('forget both for a new configuration', () => {
    const levels = new Levels()
    levels.note(circuit('open'))
    levels.note(keys({ ageMs: 1 }))
    levels.reset()
    expect([levels.circuitState(), levels.keysAgeSeconds()]).toEqual([0, undefined])
  })

  it('keep a bounded number of verifiers, and pass over other events', () => {
    const levels = new Levels()
    levels.note({ type: 'store', state: 'lost' })
    for (let index = 0; index < 64; index += 1)
      levels.note(circuit('half_open', { verifier: `v${index}` }))
    levels.note(circuit('open', { verifier: 'one too many' }))
    expect(levels.circuitState()).toBe(1)
    levels.note(circuit('open', { verifier: 'v0' }))
    expect(levels.circuitState()).toBe(2)
  })
})
