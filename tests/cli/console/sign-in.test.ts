import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { CODE_MS, SignIn } from '../../../src/cli/console/sign-in.ts'

/** The code of a link, and the session that it begins. */

const HOUR_MS = 3_600_000

let signIn: SignIn
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'] })
  signIn = new SignIn()
})
afterEach(() => {
  vi.useRealTimers()
})

/** The token of a new session. */
function begin(): string {
  return signIn.redeem(signIn.makeCode()) ?? ''
}

describe('the code of a link', () => {
  it('begins a session once', () => {
    const code = signIn.makeCode()
    expect(code).toMatch(/^[\w-]{43}$/)
    const token = signIn.redeem(code)
    expect(token).toMatch(/^[\w-]{43}$/)
    expect(signIn.isSignedIn(token ?? '')).toBe(true)
    expect(signIn.redeem(code)).toBeUndefined()
  })

  it('works for less than 60 s', () => {
    expect(CODE_MS).toBe(60_000)
    const code = signIn.makeCode()
    vi.advanceTimersByTime(59_999)
    expect(signIn.redeem(code)).toBeDefined()
    const late = signIn.makeCode()
    vi.advanceTimersByTime(60_000)
    expect(signIn.redeem(late)).toBeUndefined()
  })

  it('survives four wrong codes, and not five', () => {
    const guesses = ['a', 'b', 'c', 'd']
    const code = signIn.makeCode()
    for (const wrong of guesses) expect(signIn.redeem(wrong)).toBeUndefined()
    expect(signIn.redeem(code)).toBeDefined()
    const next = signIn.makeCode()
    for (const wrong of ['', ...guesses]) expect(signIn.redeem(wrong)).toBeUndefined()
    expect(signIn.redeem(next)).toBeUndefined()
  })

  it('ends the code before it', () => {
    const [first, second] = [signIn.makeCode(), signIn.makeCode()]
    expect(signIn.redeem(first)).toBeUndefined()
    expect(signIn.redeem(second)).toBeDefined()
  })
})

describe('a session', () => {
  it('is that of its token alone', () => {
    const token = begin()
    for (const wrong of ['', 'a', token.slice(1), `${token}a`, signIn.makeCode()]) {
      expect(signIn.isSignedIn(wrong)).toBe(false)
    }
    expect(new SignIn().isSignedIn('')).toBe(false)
  })

  it('lasts for eight hours', () => {
    const token = begin()
    vi.advanceTimersByTime(8 * HOUR_MS - 1)
    expect(signIn.isSignedIn(token)).toBe(true)
    vi.advanceTimersByTime(1)
    expect(signIn.isSignedIn(token)).toBe(false)
  })

  it('ends when another one begins, and not by a wrong code', () => {
    const first = begin()
    signIn.makeCode()
    signIn.redeem('wrong')
    expect(signIn.isSignedIn(first)).toBe(true)
    const second = begin()
    expect([first, second].map((token) => signIn.isSignedIn(token))).toEqual([false, true])
  })
})
