import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Entries, Shelf } from '../../src/memory/entries.ts'
import { collectGarbage } from '../support/garbage.ts'

type Store = ReturnType<typeof storeOf>

/** One partition on a shelf. */
function storeOf(bounds: { maxEntries?: number; maxBytes?: number } = {}) {
  const shelf = new Shelf({ maxEntries: 3, maxBytes: 1_000_000, ...bounds })
  const entries = new Entries<number>(shelf)
  return Object.assign(entries, { shelf, size: () => shelf.size() })
}

function fill(store: Store, tokens: readonly string[], told = 'a'): void {
  tokens.forEach((token, index) => store.set(token, told, index, 0))
}

function stored(store: Store, tokens: readonly string[], told = 'a'): string[] {
  return tokens.filter((token) => store.get(token, told) !== undefined)
}

function heap(): number {
  collectGarbage()
  return process.memoryUsage().heapUsed
}

type Operation = readonly ['set' | 'get' | 'delete', string]

const OPERATION: fc.Arbitrary<Operation> = fc.tuple(
  fc.constantFrom('set', 'set', 'get', 'delete'),
  fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g'),
)

const setEach = (tokens: string) => tokens.split('').map((token) => ['set', token] as const)

interface Entry {
  readonly token: string
  visited: boolean
}

/** Goes round from an entry to the first one that was not visited, and takes the mark off those before it. */
function passVisited(list: readonly Entry[], from: Entry): Entry {
  let candidate = from
  while (candidate.visited) {
    candidate.visited = false
    candidate = list[list.indexOf(candidate) + 1] ?? list[0]!
  }
  return candidate
}

/** The tokens that are dropped, by a list from the oldest to the newest one. */
function dropBySieve(operations: readonly Operation[], maxEntries: number): string[] {
  const list: Entry[] = []
  const dropped: string[] = []
  let hand: Entry | undefined
  const remove = (one: Entry): void => {
    const at = list.indexOf(one)
    if (hand === one) hand = list[at + 1]
    list.splice(at, 1)
  }
  for (const [what, token] of operations) {
    const found = list.find((one) => one.token === token)
    if (what === 'get' && found) found.visited = true
    if (what !== 'get' && found) remove(found)
    if (what !== 'set') continue
    while (list.length >= maxEntries) {
      const candidate = passVisited(list, hand ?? list[0]!)
      hand = list[list.indexOf(candidate) + 1]
      dropped.push(candidate.token)
      remove(candidate)
    }
    list.push({ token, visited: false })
  }
  return dropped
}

describe('a store', () => {
  it('keeps a value for exactly its token and what was told', () => {
    const store = storeOf()
    expect(store.set('t', 'a', 1, 0)).toBe(true)
    store.set('t', 'b', 2, 0)
    store.set('u', 'a', 3, 0)
    expect([store.get('t', 'a'), store.get('t', 'b'), store.get('u', 'a')]).toEqual([1, 2, 3])
    expect([store.get('u', 'b'), store.get('v', 'a'), store.get('', '')]).toEqual(
      Array(3).fill(undefined),
    )
  })

  it('drops what was not used lately', () => {
    const store = storeOf()
    fill(store, ['a', 'b', 'c'])
    store.get('a', 'a')
    fill(store, ['d'])
    expect(stored(store, ['a', 'b', 'c', 'd'])).toEqual(['a', 'c', 'd'])
  })

  it('drops something even where all were used', () => {
    const store = storeOf()
    fill(store, ['a', 'b', 'c'])
    stored(store, ['a', 'b', 'c'])
    fill(store, ['d'])
    expect(stored(store, ['a', 'b', 'c', 'd'])).toEqual(['b', 'c', 'd'])
  })

  it('drops what a plain list with a hand drops (SIEVE)', () => {
    fc.assert(
      fc.property(fc.array(OPERATION, { maxLength: 60 }), (operations) => {
        const dropped: string[] = []
        const shelf = new Shelf({ maxEntries: 4, maxBytes: 1_000_000 })
        const entries = new Entries<string>(shelf, { evicted: (token) => dropped.push(token) })
        for (const [what, token] of operations) {
          if (what === 'set') entries.set(token, 'a', token, 0)
          else entries[what](token, 'a')
        }
        expect(dropped).toEqual(dropBySieve(operations, 4))
      }),
      {
        numRuns: 300,
        examples: [
          // The entry at the hand is set again, so the hand moves on.
          [setEach('abcdebf')],
          // An entry in the middle goes, and the oldest is still the next to drop.
          [[...setEach('abc'), ['delete', 'b'], ...setEach('def')]],
        ],
      },
    )
  })

  it('keeps what fills it to the byte', () => {
    const size = 256 + 2 * 2
    const store = storeOf({ maxEntries: 1000, maxBytes: 2 * size })
    fill(store, ['a', 'b', 'c'])
    expect(stored(store, ['a', 'b', 'c'])).toEqual(['b', 'c'])
    expect(storeOf({ maxBytes: size }).set('t', 'a', 1, 0)).toBe(true)
    expect(storeOf({ maxBytes: size - 1 }).set('t', 'a', 1, 0)).toBe(false)
  })

  it('limits the entries of one token, and drops no entry of another token for it', () => {
    const store = storeOf({ maxEntries: 100 })
    fill(store, ['a'])
    for (let told = 0; told <= 64; told += 1) store.set('t', `${told}`, 1, 0)
    expect([store.get('t', '0'), store.get('t', '1'), store.get('t', '64')]).toEqual([
      undefined,
      1,
      1,
    ])
    expect(store.get('a', 'a')).toBe(0)
    expect(store.size().entries).toBe(65)
  })

  it('counts the token, the question and the value, and returns false if they do not fit', () => {
    const store = storeOf({ maxBytes: 1000 })
    store.set('t', 'a', 1, 0)
    const { bytes } = store.size()
    store.set('t', 'a', 1, 100)
    expect(store.size().bytes).toBe(bytes + 100)
    store.set('tttt', 'aaa', 1, 0)
    expect(store.size().bytes).toBe(bytes + 100 + bytes + 2 * 5)
    expect(store.set('x'.repeat(500), 'a', 1, 0)).toBe(false)
    expect(store.set('x', 'a', 1, 1000)).toBe(false)
    expect(store.size().entries).toBe(2)
  })

  it('leaves no older value where the newer does not fit', () => {
    const store = storeOf({ maxBytes: 1000 })
    store.set('t', 'a', 1, 0)
    expect(store.set('t', 'a', 2, 1000)).toBe(false)
    expect(store.get('t', 'a')).toBeUndefined()
  })

  it('deletes one value, all of a token, or all', () => {
    const store = storeOf({ maxEntries: 10 })
    for (const told of ['1', '2', '3']) fill(store, ['a', 'b', 'c'], told)
    store.delete('a', '1')
    store.delete('a', 'unknown')
    store.delete('unknown', '1')
    expect(stored(store, ['a', 'b', 'c'], '1')).toEqual(['b', 'c'])
    store.forget('b')
    store.forget('unknown')
    expect(stored(store, ['a', 'b', 'c'], '2')).toEqual(['a', 'c'])
    expect(store.size().entries).toBe(5)
    store.forget()
    expect(store.size()).toEqual({ entries: 0, bytes: 0 })
    fill(store, ['a'])
    expect(store.get('a', 'a')).toBe(0)
  })

  it('holds nothing of a token that had several entries and has none', () => {
    const store = storeOf()
    const before = heap()
    for (let turn = 0; turn < 20_000; turn += 1) {
      store.set(`t${turn}`, 'a', 1, 0)
      store.set(`t${turn}`, 'b', 2, 0)
      store.forget(`t${turn}`)
    }
    expect(heap() - before).toBeLessThan(1_000_000)
    store.forget()
  })

  it('holds a long question once that all tokens ask', () => {
    const store = storeOf({ maxEntries: 200, maxBytes: 1_000_000_000 })
    const told = 'x'.repeat(100_000)
    const before = heap()
    for (let turn = 0; turn < 200; turn += 1) store.set(`t${turn}`, told, turn, 0)
    expect(heap() - before).toBeLessThan(5_000_000)
    expect(store.get('t0', told)).toBe(0)
  })
})

describe('two partitions on one shelf', () => {
  it('know nothing of each other, and share the bounds', () => {
    const one = storeOf({ maxEntries: 2 })
    const other = new Entries<number>(one.shelf)
    one.set('t', 'a', 1, 0)
    expect(other.get('t', 'a')).toBeUndefined()
    other.set('t', 'a', 2, 0)
    expect([one.get('t', 'a'), other.get('t', 'a')]).toEqual([1, 2])
    other.set('u', 'a', 3, 0)
    expect(one.size().entries).toBe(2)
    // All had been used, so the oldest goes.
    expect([one.get('t', 'a'), other.get('t', 'a'), other.get('u', 'a')]).toEqual([undefined, 2, 3])
  })

  it('forget only their own', () => {
    const one = storeOf()
    const other = new Entries<number>(one.shelf)
    fill(one, ['a'])
    other.set('b', 'a', 1, 0)
    other.forget()
    expect([one.get('a', 'a'), other.get('b', 'a'), one.size().entries]).toEqual([0, undefined, 1])
  })
})
