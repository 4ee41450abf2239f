import { setImmediate as afterPromises } from 'node:timers'
import type { Timing } from '../../../src/redis/timing.ts'

interface Event {
  readonly at: number
  readonly order: number
  run: (() => void) | undefined
}

/** Simulated time. Events of the same moment run in the order in which they were added. */
export class World {
  time = 0
  #order = 0
  readonly #heap: Event[] = []

  at(time: number, run: () => void): () => void {
    const event: Event = { at: Math.max(time, this.time), order: this.#order, run }
    this.#order += 1
    push(this.#heap, event)
    return () => (event.run = undefined)
  }

  /** Runs all events up to a time. After each one the promises that it settled run. */
  async runUntil(end: number): Promise<void> {
    for (;;) {
      const next = this.#heap[0]
      if (next === undefined || next.at > end) return
      pop(this.#heap)
      if (next.run === undefined) continue
      this.time = next.at
      next.run()
      await new Promise<void>((resolve) => void afterPromises(resolve))
    }
  }
}

/** The numbers that a seed gives. */
export class Dice {
  #state: number

  constructor(seed: number) {
    this.#state = seed
  }

  /** From 0 to below 1 (mulberry32). */
  readonly next = (): number => {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  between(min: number, max: number): number {
    return min + (max - min) * this.next()
  }

  pick<Item>(items: readonly Item[]): Item {
    return items[Math.floor(this.next() * items.length)] as Item
  }

  isHit(probability: number): boolean {
    return this.next() < probability
  }
}

const EPOCH = Date.UTC(2026, 0, 1)

/** A process: its clocks, and when it is frozen. */
export class Process implements Timing {
  readonly #world: World
  readonly random: () => number
  #frozenUntil = 0
  #suspendedMs = 0
  #wallSkewMs: number

  constructor(world: World, dice: Dice, wallSkewMs: number) {
    this.#world = world
    this.random = dice.next
    this.#wallSkewMs = wallSkewMs
  }

  readonly now = (): number => this.#world.time - this.#suspendedMs
  readonly wallNow = (): number => EPOCH + this.#world.time + this.#wallSkewMs

  readonly schedule = (ms: number, run: () => void): (() => void) => {
    let cancel = (): void => undefined
    const runAwake = (): void => {
      if (this.#world.time < this.#frozenUntil) cancel = this.#world.at(this.#frozenUntil, runAwake)
      else run()
    }
    cancel = this.#world.at(this.#world.time + ms, runAwake)
    return () => cancel()
  }

  /** Nothing runs for a while. A machine that is suspended stops its clock that never jumps too. */
  freeze(ms: number, isSuspended: boolean): void {
    if (this.#world.time < this.#frozenUntil) return
    this.#frozenUntil = this.#world.time + ms
    if (isSuspended) this.#suspendedMs += ms
  }

  setWallSkew(ms: number): void {
    this.#wallSkewMs = ms
  }
}

function isBefore(one: Event, other: Event): boolean {
  return one.at < other.at || (one.at === other.at && one.order < other.order)
}

function push(heap: Event[], event: Event): void {
  let index = heap.push(event) - 1
  while (index > 0) {
    const parent = (index - 1) >> 1
    const above = heap[parent] as Event
    if (!isBefore(event, above)) break
    heap[index] = above
    index = parent
  }
  heap[index] = event
}

function pop(heap: Event[]): void {
  const last = heap.pop()
  if (last === undefined || heap.length === 0) return
  let index = 0
  for (;;) {
    let child = 2 * index + 1
    const right = heap[child + 1]
    if (child >= heap.length) break
    if (right !== undefined && isBefore(right, heap[child] as Event)) child += 1
    if (!isBefore(heap[child] as Event, last)) break
    heap[index] = heap[child] as Event
    index = child
  }
  heap[index] = last
}
