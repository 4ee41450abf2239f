import { expect, it } from 'vitest'
import { PROFILES } from './profiles.ts'
import { RUNTIMES } from './runtimes.ts'
import { SCENARIOS } from './scenarios.ts'

it('plays every scenario on each platform', () => {
  const platforms = new Set(RUNTIMES.map(({ platform }) => platform))
  const complete = RUNTIMES.filter(({ profiles }) => profiles === undefined)
  expect(new Set(complete.map(({ platform }) => platform))).toEqual(platforms)
})

it('tells scenarios, and ways to serve, apart by their names', () => {
  for (const named of [SCENARIOS, RUNTIMES]) {
    expect(new Set(named.map(({ name }) => name)).size).toBe(named.length)
  }
})

it('has scenarios for each profile', () => {
  const used = new Set(SCENARIOS.map(({ profile = 'defaults' }) => profile))
  expect(used).toEqual(new Set(Object.keys(PROFILES)))
})
