import { describe, expect, it } from 'vitest'
import { parseRetryAfter } from '../../../src/core/endpoint/freshness.ts'
import { clampRetryAfter } from '../../../src/core/response/denial.ts'

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

describe('clampRetryAfter', () => {
  it.each([
    [0, 1000],
    [-5, 1000],
    [1, 1000],
    [1001, 2000],
    [30_000, 30_000],
    [1e12, 30_000],
    [Infinity, 30_000],
    [Number.NaN, 1000],
  ])('makes whole seconds from 1 to 30 of %d ms', (value, expected) => {
    expect(clampRetryAfter(value)).toBe(expected)
  })
})
