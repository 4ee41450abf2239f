import { describe, expect, it } from 'vitest'
import { parseCacheControl, parseRetryAfter } from '../../../src/core/endpoint/freshness.ts'

it.each([
  [null, {}],
  [undefined, {}],
  ['', {}],
  ['public, x-own="max-age=5"', {}],
  ['max-age=60', { maxAgeMs: 60_000 }],
  ['MAX-AGE=60', { maxAgeMs: 60_000 }],
  ['private, max-age=60, stale-if-error=5', { maxAgeMs: 60_000 }],
  ['max-age="60"', { maxAgeMs: 60_000 }],
  ['max-age = 60', { maxAgeMs: 60_000 }],
  ['max-age=60, max-age=5', { maxAgeMs: 5000 }],
  ['max-age=9999999999', { maxAgeMs: 9_999_999_999_000 }],
  ['no-store', { maxAgeMs: 0 }],
  ['No-Cache', { maxAgeMs: 0 }],
  ['no-cache="set-cookie", max-age=60', { maxAgeMs: 0 }],
  ['max-age=60, no-store', { maxAgeMs: 0 }],
  ['max-age=0', { maxAgeMs: 0 }],
  ['max-age', { maxAgeMs: 0 }],
  ['max-age=', { maxAgeMs: 0 }],
  ['max-age=-1', { maxAgeMs: 0 }],
  ['max-age=1.5', { maxAgeMs: 0 }],
  ['max-age=NaN', { maxAgeMs: 0 }],
  ['max-age=99999999999999999999', { maxAgeMs: 0 }],
  ['must-revalidate', { mustRevalidate: true }],
  ['max-age=5, must-revalidate', { maxAgeMs: 5000, mustRevalidate: true }],
  ['x-max-age=5, max-ages=6', {}],
  ['a="b\\"c=", no-store, d="e"', { maxAgeMs: 0 }],
  ['a="\\"=", max-age=5, b="c"', { maxAgeMs: 5000 }],
  ['a="\\\\", no-store', { maxAgeMs: 0 }],
  ['a="\\", no-store', { maxAgeMs: 0 }],
  ['a!="\\"b=", no-store="c="', { maxAgeMs: 0 }],
  ['no-store!, x.max-age=5', {}],
  ['no-store\u0130', { maxAgeMs: 0 }],
])('reads %j as %j', (value, freshness) => {
  expect(parseCacheControl(value)).toEqual(freshness)
})

it('forbids caching for a value of more than 8,192 characters', () => {
  expect(parseCacheControl(`max-age=60${' '.repeat(8182)}`)).toEqual({ maxAgeMs: 60_000 })
  expect(parseCacheControl(`max-age=60${' '.repeat(8183)}`)).toEqual({ maxAgeMs: 0 })
})

const NOW = Date.parse('Wed, 21 Oct 2026 07:28:00 GMT')

describe('parseRetryAfter', () => {
  it.each([
    ['0', 0],
    ['120', 120_000],
    ['9999999999', 9_999_999_999_000],
    ['Wed, 21 Oct 2026 07:28:05 GMT', 5000],
    ['Wed, 21 Oct 2026 07:27:00 GMT', 0],
  ])('reads %s as %d ms', (value, expected) => {
    expect(parseRetryAfter(value, NOW)).toBe(expected)
  })

  it.each([
    undefined,
    null,
    '',
    '-1',
    '1.5',
    '1e3',
    'NaN',
    'soon',
    'soon GMT',
    '12345678901',
    '2026-10-21',
  ])('reads nothing from %s', (value) => {
    expect(parseRetryAfter(value, NOW)).toBeUndefined()
  })
})
