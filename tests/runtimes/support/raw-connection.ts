import { once } from 'node:events'
import { connect } from 'node:net'

/** A connection on which the test writes and reads bytes step by step. */
export interface RawConnection {
  /** Resolves when the bytes have been sent or have failed. */
  readonly write: (bytes: string | Uint8Array) => Promise<void>
  /** Reads up to and including this text. Rejects when the connection ends first. */
  readonly readThrough: (text: string) => Promise<string>
  /** Reads this number of bytes. */
  readonly readBytes: (count: number) => Promise<Buffer>
  /** Resolves when the connection has ended for any reason. */
  readonly closed: Promise<void>
  /** Closes the connection at once. */
  readonly leave: () => Promise<void>
}

const SILENCE_MS = 40_000

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
  // A reset is an end like any other. The test reads the bytes before it.
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
