import type { Duplex } from 'node:stream'
import type { Socket } from 'node:net'

// WebSockets have no half-open state (RFC 6455 §7.1.1): after one side ended, the other gets the rest, and a moment to end too.
const HALF_OPEN_MS = 10_000
// Finds a peer that vanished without a word.
const PROBE_MS = 60_000

/** Passes the bytes of two connections on, each as fast as the other side reads. When one ends, so does the other. */
export function join(client: Duplex, upstream: Duplex, halfOpenMs: number = HALF_OPEN_MS): void {
  let timer: ReturnType<typeof setTimeout> | undefined
  const end = (): void => {
    client.destroy()
    upstream.destroy()
  }
  const endSoon = (): void => {
    timer ??= setTimeout(end, halfOpenMs)
  }
  const watch = (one: Duplex, other: Duplex): void => {
    keepAlive(one)
    one.on('error', end)
    one.once('end', endSoon)
    one.once('close', () => {
      // After a regular end, the last bytes may still be on their way.
      if (!one.readableEnded) other.destroy()
      if (other.destroyed) clearTimeout(timer)
    })
    one.pipe(other)
  }
  watch(client, upstream)
  watch(upstream, client)
}

function keepAlive(stream: Duplex): void {
  if (!isSocket(stream)) return
  stream.setTimeout(0)
  stream.setNoDelay(true)
  stream.setKeepAlive(true, PROBE_MS)
}

function isSocket(stream: Duplex): stream is Socket {
  return 'setKeepAlive' in stream
}
