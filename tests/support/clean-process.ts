import { afterAll, vi } from 'vitest'

/** Cleans up after each test file, since the next one runs in the same process. */

// `@hono/node-server` replaces these globals.
const { Request, Response } = globalThis

afterAll(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
  vi.unstubAllGlobals()
  Object.assign(globalThis, { Request, Response })
})
