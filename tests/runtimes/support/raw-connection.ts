import { once } from 'node:events'
import { connect } from 'node:net'

/** A connection on which bytes go out and come in as the test says, one after the other. */
export interface RawConnection {
  /** Resolves when the bytes are on their way, or will never be. */
  readonly write: (bytes: string | Uint8Array) => Promise<void>
  /** Takes what came in until here, this text included. Rejects when the connection ends before. */
  readonly readThrough: (text: string) => Promise<string>
  /** Takes so many bytes. */
  readonly readBytes: (count: number) => Promise<Buffer>
  /** Resolves when the connection has ended, however it did. */
  readonly closed: Promise<void>
  /** Goes away without a word. */
  readonly leave: () => Promise<void>
}

const SILENCE_MS = 15_000

export async function openConnection(url: string): Promise<RawConnection> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  const closed = new Promise<void>((resolve) => void socket.once('close', () => resolve()))
  let bytes: Buffer = Buffer.alloc(0)
  let wake = (): void => undefined
  socket.on('data', (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk])
    wake()
  })
  socket.once('close', () => wake())
  // A reset is an end like any other: what counts is what came before.
  socket.on('error', () => undefined)
  socket.setTimeout(SILENCE_MS, () => socket.destroy())

  async function take(findEnd: () => number): Promise<Buffer> {
    while (findEnd() === -1) {
      if (socket.closed) throw new Error(`The connection ended after: ${bytes.toString('latin1')}`)
      await new Promise<void>((resolve) => void (wake = resolve))
    }
    const end = findEnd()
    const taken = bytes.subarray(0, end)
    bytes = bytes.subarray(end)
    return taken
  }

  await Promise.race([once(socket, 'connect'), closed])
  return {
    write: (data) => new Promise((resolve) => void socket.write(data, () => resolve())),
    readThrough: async (text) => {
      const findEnd = (): number => {
        const start = bytes.indexOf(text, 0, 'latin1')
        return start === -1 ? -1 : start + text.length
      }
      return (await take(findEnd)).toString('latin1')
    },
    readBytes: (count) => take(() => (bytes.length < count ? -1 : count)),
    closed,
    leave: () => {
      socket.destroy()
      return closed
    },
  }
}
