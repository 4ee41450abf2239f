import { once } from 'node:events'
import { createServer } from 'node:net'
import { expect, vi } from 'vitest'
import { close, listen } from '../../support/loopback.ts'

/**
 * Runs a command whose store accepts connections and never answers. It has to end once the store has had so many
 * milliseconds.
 */
export async function outlastStore<Result>(
  ms: number,
  run: (url: string) => Promise<Result>,
): Promise<Result> {
  const server = createServer((socket) => void socket.on('error', () => undefined).resume())
  const port = await listen(server)
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  try {
    const connected = once(server, 'connection')
    const running = run(`redis://127.0.0.1:${port}`)
    let isOver = false
    const end = (): void => void (isOver = true)
    void running.then(end, end)
    // A command that fails before says why by its result.
    await Promise.race([connected, running])
    await vi.advanceTimersByTimeAsync(ms - 1)
    expect(isOver).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    return await running
  } finally {
    vi.useRealTimers()
    await close(server)
  }
}
