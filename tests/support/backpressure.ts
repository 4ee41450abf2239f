import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import type { Socket } from 'node:net'

const PART = Buffer.alloc(65_536)

/** Sends without an end, as fast as the other side reads. */
export function flood(socket: Socket): void {
  socket.on('error', () => undefined)
  const send = (): void => {
    while (socket.write(PART));
  }
  socket.on('drain', send)
  send()
}

/** Waits until a number of bytes stays the same, which it does once the buffers of the system are full. */
export async function expectStill(count: () => number | undefined): Promise<void> {
  const isStill = async (): Promise<boolean> => {
    const before = count()
    await sleep(300)
    return before === count()
  }
  await expect.poll(isStill, { timeout: 8_000 }).toBe(true)
}
