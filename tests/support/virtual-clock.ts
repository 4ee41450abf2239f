interface Timer {
  readonly due: number
  readonly fire: () => void
}

/** Replaces the clocks, the timers and the randomness of the runtime. */
export interface VirtualClock {
  /** The monotonic clock. */
  readonly now: () => number
  /** The wall clock. */
  readonly wallNow: () => number
  readonly after: (ms: number, fire: () => void) => number
  readonly cancel: (id: number) => void
  /** Advances the time and runs everything that is due. */
  readonly pass: (ms: number) => Promise<void>
  /** Moves the wall clock, as setting it or suspending the machine does. */
  readonly jump: (ms: number) => void
  /** The number of set timers. */
  readonly pending: () => number
}

const START = 1_000
const WALL_START = 1_700_000_000_000

/**
 * Creates a clock that moves only on command. It is ten times as fast as vitest's fake timers, which wait for a real
 * timer at each step.
 */
export function createVirtualClock(): VirtualClock {
  const timers = new Map<number, Timer>()
  let now = START
  let wall = WALL_START
  let lastId = 0

  const moveTo = (time: number): void => {
    wall += time - now
    now = time
  }
  const nextDue = (until: number): number | undefined => {
    let found: number | undefined
    let earliest = Infinity
    for (const [id, { due }] of timers) {
      if (due > until || due >= earliest) continue
      found = id
      earliest = due
    }
    return found
  }
  const fireDue = (until: number): boolean => {
    const id = nextDue(until)
    const timer = id === undefined ? undefined : timers.get(id)
    if (id === undefined || timer === undefined) return false
    timers.delete(id)
    moveTo(timer.due)
    timer.fire()
    return true
  }
  return {
    now: () => now,
    wallNow: () => wall,
    after: (ms, fire) => {
      lastId += 1
      timers.set(lastId, { due: now + Math.max(0, ms), fire })
      return lastId
    },
    cancel: (id) => void timers.delete(id),
    pass: async (ms) => {
      const until = now + ms
      await settle()
      while (fireDue(until)) await settle()
      moveTo(until)
    },
    jump: (ms) => {
      wall += ms
    },
    pending: () => timers.size,
  }
}

// Workers lack it. No other code runs there.
const hooks = globalThis.process?.getBuiltinModule?.('node:async_hooks')
const running = hooks && new hooks.AsyncLocalStorage<VirtualClock>()

/** Runs a function with this clock and randomness. A timer of other code, which an earlier test has left, stays a real one. */
export async function withClock(
  clock: VirtualClock,
  random: () => number,
  run: () => Promise<void>,
): Promise<void> {
  const real = { setTimeout, clearTimeout, dateNow: Date.now, random: Math.random }
  const isOfOthers = (): boolean => running !== undefined && running.getStore() !== clock
  Object.assign(globalThis, {
    setTimeout: (fire: () => void, ms = 0) =>
      isOfOthers() ? real.setTimeout(fire, ms) : clock.after(ms, fire),
    clearTimeout: (id: ReturnType<typeof setTimeout> | number | undefined) =>
      typeof id === 'number' ? clock.cancel(id) : real.clearTimeout(id),
  })
  Object.assign(performance, { now: clock.now })
  Date.now = clock.wallNow
  Math.random = random
  try {
    await (running === undefined ? run() : running.run(clock, run))
  } finally {
    Object.assign(globalThis, { setTimeout: real.setTimeout, clearTimeout: real.clearTimeout })
    // The assigned property hides the method of the prototype.
    Reflect.deleteProperty(performance, 'now')
    Date.now = real.dateNow
    Math.random = real.random
  }
}

// Not every runtime has `setImmediate`. The global `setTimeout` is virtual later, so this keeps the real one.
const onNextMacrotask: (fire: () => void) => unknown = globalThis.setImmediate ?? setTimeout

/** Waits for the next macrotask, when all promises that can settle have settled. */
function settle(): Promise<void> {
  return new Promise((resolve) => {
    onNextMacrotask(resolve)
  })
}
