import { afterAll, vi } from 'vitest'

/** For each file of tests: what it leaves behind must not reach the next one in its process. */

// @hono/node-server replaces these.
const { Request, Response } = globalThis

afterAll(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
  vi.unstubAllEnvs()
  vi.unstubAllGlobals()
  Object.assign(globalThis, { Request, Response })
})
