import { afterAll, afterEach, vi } from 'vitest'

/** Takes back after each test what it changed in the process, in which the next one runs, so that no test has to. */

// `@hono/node-server` replaces these globals.
const { Request, Response } = globalThis

afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
  vi.unstubAllGlobals()
})
afterAll(() => void Object.assign(globalThis, { Request, Response }))
