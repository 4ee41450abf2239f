import { once } from 'node:events'
import { createServer } from 'node:net'
import { afterAll, afterEach, beforeAll, beforeEach, expect, vi } from 'vitest'
import { close, listen } from '../../support/loopback.ts'

interface SilentStore {
  readonly url: () => string
  /** Runs a command that ends once its store has had so many milliseconds. */
  readonly outlast: <Result>(ms: number, run: () => Promise<Result>) => Promise<Result>
}

/** For the tests of a `describe`: a store that accepts connections, and never answers. */
export function useSilentStore(): SilentStore {
  const server = createServer((socket) => void socket.on('error', () => undefined).resume())
  let port = 0
  beforeAll(async () => {
    port = await listen(server)
  })
  beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
  afterEach(() => void vi.useRealTimers())
  afterAll(() => close(server))
  return {
    url: () => `redis://127.0.0.1:${port}`,
    outlast: async (ms, run) => {
      const connected = once(server, 'connection')
      const running = run()
      let isOver = false
      void running.then(() => (isOver = true))
      await connected
      await vi.advanceTimersByTimeAsync(ms - 1)
      expect(isOver).toBe(false)
      await vi.advanceTimersByTimeAsync(1)
      return running
    },
  }
}
