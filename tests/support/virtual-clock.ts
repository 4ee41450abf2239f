interface Timer {
  readonly due: number
  readonly fire: () => void
}

/** Stands in for the clocks, the timers and the randomness of the runtime. */
export interface VirtualClock {
  /** The time that never jumps. */
  readonly now: () => number
  /** The time of day. */
  readonly wallNow: () => number
  readonly after: (ms: number, fire: () => void) => number
  readonly cancel: (id: number) => void
  /** Lets time go by, and everything happen that is due until then. */
  readonly pass: (ms: number) => Promise<void>
  /** Sets the time of day, or freezes the machine: to it, both are the same. */
  readonly jump: (ms: number) => void
  /** How many timers are set. */
  readonly pending: () => number
}

const START = 1_000
const WALL_START = 1_700_000_000_000

/**
 * Makes a clock that moves only when it is told to. Ten times as fast as vitest's fake timers, which wait for a real
 * timer at each of theirs.
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

/** Runs something with a clock and a randomness in place of the runtime's. */
export async function withClock(
  clock: VirtualClock,
  random: () => number,
  run: () => Promise<void>,
): Promise<void> {
  const real = { setTimeout, clearTimeout, dateNow: Date.now, random: Math.random }
  const setVirtual = (fire: () => void, ms = 0): number => clock.after(ms, fire)
  Object.assign(globalThis, { setTimeout: setVirtual, clearTimeout: clock.cancel })
  Object.assign(performance, { now: clock.now })
  Date.now = clock.wallNow
  Math.random = random
  try {
    await run()
  } finally {
    Object.assign(globalThis, { setTimeout: real.setTimeout, clearTimeout: real.clearTimeout })
    // What was assigned hides the method of the prototype.
    Reflect.deleteProperty(performance, 'now')
    Date.now = real.dateNow
    Math.random = real.random
  }
}

// Not every runtime has the faster one, and by the time of the call the other one is virtual.
const onNextMacrotask: (fire: () => void) => unknown = globalThis.setImmediate ?? setTimeout

/** All promises that can settle have settled when the loop comes to the next macrotask. */
function settle(): Promise<void> {
  return new Promise((resolve) => {
    onNextMacrotask(resolve)
  })
}
