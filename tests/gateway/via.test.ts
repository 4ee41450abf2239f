import { expect, it } from 'vitest'
import { createHops } from '../../src/gateway/forward.ts'

const hops = createHops(() => 0.5)
const OWN = '1.1 with-auth-i'

it('R12 names the gateway, with what it received', () => {
  expect(hops.follow(null)).toBe(OWN)
  expect(createHops().follow(null)).toMatch(/^1\.1 with-auth-[a-z\d]{1,12}$/)
})

it('keeps the hops of other gateways of its kind, and nothing else that a client says', () => {
  expect(hops.follow('1.1 with-auth-other, 1.0 fred (with-auth-x)')).toBe(
    `1.1 with-auth-other, ${OWN}`,
  )
  expect(hops.follow('1.1 not-with-auth-x, 1.1 with-auth-X, 1.1 with-auth-')).toBe(OWN)
})

it('knows a request that it has passed on before', () => {
  expect(hops.follow(OWN)).toBeUndefined()
  expect(hops.follow(`1.1 a, ${OWN}, 1.1 b`)).toBeUndefined()
})

it('cuts a circle of many', () => {
  const others = (count: number): string =>
    Array.from({ length: count }, (_, index) => `1.1 with-auth-x${index}`).join(', ')
  expect(hops.follow(others(7))).toBeDefined()
  expect(hops.follow(others(8))).toBeUndefined()
})

it('has a name of its own for each gateway, made with its first request', () => {
  let made = 0
  const random = (): number => (made += 0.25)
  const [one, other] = [createHops(random), createHops(random)]
  expect(made).toBe(0)
  expect(one.follow(null)).not.toBe(other.follow(null))
  one.follow(null)
  expect(made).toBe(0.5)
})
