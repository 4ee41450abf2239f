import { beforeEach, describe, expect, it, vi } from 'vitest'
import { KnownTokens } from '../../../src/core/policies/known-tokens.ts'

const HALF_HOUR = 1_800_000
let now = 0

function tokens() {
  const known = new KnownTokens({ now: () => now })
  return {
    isEmpty: () => known.isEmpty(),
    clear: () => known.forget(),
    add: (token: string) => known.add(known.markOf(token)),
    has: (token: string) => known.has(known.markOf(token)),
    delete: (token: string) => known.forget(known.markOf(token)),
  }
}

beforeEach(() => {
  now = 5000
})

describe('known tokens', () => {
  it('are those that were added', () => {
    const { add, has, isEmpty } = tokens()
    expect([isEmpty(), has('a')]).toEqual([true, false])
    add('a')
    expect([isEmpty(), has('a'), has('b'), has('')]).toEqual([false, true, false, false])
  })

  it('are forgotten one by one or all at once, however old', () => {
    const { add, has, isEmpty, delete: remove, clear } = tokens()
    for (const token of ['a', 'b']) add(token)
    now += HALF_HOUR
    add('c')
    for (const token of ['a', 'c']) remove(token)
    expect(['a', 'b', 'c'].map(has)).toEqual([false, true, false])
    add('c')
    clear()
    expect(['a', 'b', 'c'].map(has)).toEqual([false, false, false])
    expect(isEmpty()).toBe(true)
  })

  it('are known for half an hour to an hour after the last allow', () => {
    const { add, has, isEmpty } = tokens()
    now += HALF_HOUR - 1
    add('late')
    now += 1
    add('again')
    now += HALF_HOUR - 1
    expect([has('late'), has('again')]).toEqual([true, true])
    now += 1
    expect([has('late'), has('again')]).toEqual([false, true])
    now += HALF_HOUR
    expect([has('again'), isEmpty()]).toEqual([false, true])
  })

  it('are all forgotten after an hour in which nothing was asked', () => {
    const { add, has } = tokens()
    add('a')
    now += 2 * HALF_HOUR
    expect(has('a')).toBe(false)
    const other = tokens()
    other.add('a')
    now += 2 * HALF_HOUR - 1
    expect(other.has('a')).toBe(true)
  })

  it('are 65,536 at most, and the oldest go first', () => {
    const { add, has, delete: remove } = tokens()
    const addSome = (prefix: string, count: number): void => {
      for (let turn = 0; turn < count; turn += 1) add(prefix + turn)
    }
    addSome('t', 65_530)
    expect(['t0', 't40000', 't65529'].map(has)).toEqual([true, true, true])
    // Some more, since two marks may have the same first half.
    addSome('more', 20)
    expect(['t0', 't30000', 't40000', 'more19'].map(has)).toEqual([false, false, true, true])
    remove('t40000')
    expect(has('t40000')).toBe(false)
  })

  it('are hashed by a key that is drawn at the first use, once', () => {
    const draw = vi.spyOn(crypto, 'getRandomValues')
    const { add, has } = tokens()
    expect(draw).not.toHaveBeenCalled()
    add('a')
    has('a')
    expect(draw).toHaveBeenCalledOnce()
    draw.mockRestore()
  })

  it('need both halves of a mark', () => {
    const known = new KnownTokens({ now: () => now })
    known.add([1, 2])
    expect([known.has([1, 2]), known.has([1, 3]), known.has([2, 2])]).toEqual([true, false, false])
    now += HALF_HOUR
    expect([known.has([1, 2]), known.has([1, 3])]).toEqual([true, false])
  })
})
