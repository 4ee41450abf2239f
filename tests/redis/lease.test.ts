import { describe, expect, it } from 'vitest'
import { Lease } from '../../src/redis/lease.ts'

/** When a decision of a cache counts, by both clocks of a machine: one may stop, and the other may be set. */

const REVOCATION_MS = 1000
const LOST_PUSH_TTL_MS = 300
const SKEW_MS = 5000
const SLOT = 7
const OTHER_SLOT = 8
const LONG_AGO = { now: -100_000, wallNow: -100_000 }

function createLease(): Lease {
  return new Lease(REVOCATION_MS, LOST_PUSH_TTL_MS)
}

describe('while messages come back', () => {
  // The message was sent at 100 by the clock that may stop, and at 50,000 by the time of day.
  it.each([
    ['at once', true, 0, 0],
    ['just before its end by both clocks', true, 999, 999],
    ['at its end by the time of day', false, 999, 1000],
    ['at its end by the other clock', false, 1000, 999],
    ['at its end by both clocks', false, 1000, 1000],
    ['after the time of day was set back', false, 10, -1],
    ['after the time of day was set far ahead', false, 10, 100_000],
    ['after a machine stood still, and its other clock too', false, 0, 1000],
  ])('an old decision is used or not: %s', (_when, isUsed, afterMs, afterWallMs) => {
    const lease = createLease()
    const stamp = lease.stamp(SLOT, LONG_AGO)
    lease.prove({ now: 100, wallNow: 50_000 })
    const at = { now: 100 + afterMs, wallNow: 50_000 + afterWallMs }
    expect(lease.holds(at)).toBe(isUsed)
    expect(stamp.isGood(at.now, at.wallNow)).toBe(isUsed)
  })

  it.each([
    ['older', 99],
    ['as old', 100],
  ])('a message that is %s does not move the end', (_age, now) => {
    const lease = createLease()
    lease.prove({ now: 100, wallNow: 50_000 })
    lease.prove({ now, wallNow: 50_500 })
    expect(lease.holds({ now: 200, wallNow: 50_100 })).toBe(true)
    expect(lease.holds({ now: 200, wallNow: 51_000 })).toBe(false)
  })

  it('a newer message moves the end', () => {
    const lease = createLease()
    lease.prove({ now: 100, wallNow: 50_000 })
    lease.prove({ now: 101, wallNow: 50_001 })
    expect(lease.holds({ now: 1100, wallNow: 51_000 })).toBe(true)
  })

  it('a new subscription ends it, until a message comes back', () => {
    const lease = createLease()
    lease.prove({ now: 100, wallNow: 50_000 })
    lease.restart()
    expect(lease.holds({ now: 101, wallNow: 50_001 })).toBe(false)
    lease.prove({ now: 102, wallNow: 50_002 })
    expect(lease.holds({ now: 103, wallNow: 50_003 })).toBe(true)
  })
})

describe('while no message comes back', () => {
  it.each([
    ['at once', true, 0, 0],
    ['just before its end by both clocks', true, 299, 299],
    ['at its end by the time of day', false, 299, 300],
    ['at its end by the other clock', false, 300, 299],
    ['at its end by both clocks', false, 300, 300],
    ['after the time of day was set back', false, 10, -1],
  ])('a decision is used for a short time: %s', (_when, isUsed, ageMs, wallAgeMs) => {
    const stamp = createLease().stamp(SLOT, { now: 100, wallNow: 50_000 })
    expect(stamp.isGood(100 + ageMs, 50_000 + wallAgeMs)).toBe(isUsed)
  })
})

describe('a decision from before', () => {
  const revocations: readonly [string, boolean, (lease: Lease) => void][] = [
    ['a revocation of its token', false, (lease) => lease.age(SLOT, 0)],
    ['two revocations of its token', false, (lease) => [0, 0].forEach(() => lease.age(SLOT, 0))],
    ['a revocation of another token', true, (lease) => lease.age(OTHER_SLOT, 0)],
    ['a revocation of all', false, (lease) => lease.ageAll(0)],
    ['a new subscription', false, (lease) => lease.restart()],
    [
      'a revocation of all and a new subscription',
      false,
      (lease) => {
        lease.ageAll(0)
        lease.restart()
      },
    ],
  ]

  it.each(revocations)('%s is used: %s', (_event, isUsed, happen) => {
    const lease = createLease()
    const asked = { now: 100, wallNow: 50_000 }
    const stamp = lease.stamp(SLOT, asked)
    happen(lease)
    lease.prove(asked)
    expect(stamp.isCurrent()).toBe(isUsed)
    expect(stamp.isGood(asked.now, asked.wallNow)).toBe(isUsed)
    expect(lease.stamp(SLOT, asked).isCurrent()).toBe(true)
  })
})

describe('an allow that another machine shares', () => {
  const REVOKED_AT = 50_000

  const revocations: readonly [string, (lease: Lease) => void][] = [
    ['its token', (lease) => lease.age(SLOT, REVOKED_AT)],
    ['all', (lease) => lease.ageAll(REVOKED_AT)],
    [
      'its token, before the clock was set back',
      (lease) => {
        lease.age(SLOT, REVOKED_AT)
        lease.age(SLOT, 0)
      },
    ],
    [
      'all, before the clock was set back',
      (lease) => {
        lease.ageAll(REVOKED_AT)
        lease.ageAll(0)
      },
    ],
    [
      'its token, after all',
      (lease) => {
        lease.ageAll(0)
        lease.age(SLOT, REVOKED_AT)
      },
    ],
  ]

  it.each(revocations)(
    'counts if it was asked for well after a revocation of %s, since clocks differ',
    (_what, revoke) => {
      const lease = createLease()
      revoke(lease)
      expect(lease.trusts(SLOT, REVOKED_AT + SKEW_MS - 1)).toBe(false)
      expect(lease.trusts(SLOT, REVOKED_AT + SKEW_MS)).toBe(true)
    },
  )

  it('counts whatever was revoked of another token', () => {
    const lease = createLease()
    lease.age(OTHER_SLOT, REVOKED_AT)
    expect(lease.trusts(SLOT, REVOKED_AT)).toBe(true)
  })
})
