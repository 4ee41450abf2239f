import { afterAll, afterEach, vi } from 'vitest'

/** Takes back after each test what it changed in the process, in which the next one runs, so that no test has to. */

const { clearInterval, clearTimeout, setImmediate, setInterval, setTimeout } = globalThis
// A spy on a fake timer would bring it back.
const TIMERS = { clearInterval, clearTimeout, setImmediate, setInterval, setTimeout }
// `@hono/node-server` replaces these globals.
const { Request, Response } = globalThis

afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
  vi.unstubAllGlobals()
  vi.useRealTimers()
  Object.assign(globalThis, TIMERS)
})
afterAll(() => void Object.assign(globalThis, { Request, Response }))
