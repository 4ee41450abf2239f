import { getEventListeners } from 'node:events'
import { createServer } from 'node:net'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { watchDecisions } from '../../../src/cli/watch/client.ts'
import { close, listen } from '../../support/loopback.ts'
import { setupFolder } from '../../support/temporary-folder.ts'
import type { Socket } from 'node:net'
import type { Watched } from '../../../src/cli/watch/client.ts'
import type { WatchPlace } from '../../../src/cli/watch/place.ts'

const SECRET = 'watch-s3cret-0123456789'
const DECISION = { type: 'decision', time: 't', outcome: 'allow', status: 200, path: '/' } as const
const TOO_LONG = 'a line is too long: is this the socket of with-auth?'

const inFolder = setupFolder()
const ends: (() => unknown)[] = []
afterEach(async () => {
  vi.useRealTimers()
  for (const end of ends.splice(0)) await end()
})

/** Starts a server that may be any program. `received` resolves with what its first watcher sent. */
async function serve(answer: (socket: Socket) => unknown) {
  let tell: (text: string) => void
  const received = new Promise<string>((resolve) => (tell = resolve))
  const server = createServer((socket) => {
    let text = ''
    socket.on('data', (chunk) => (text += chunk.toString()))
    socket.on('error', () => undefined).once('close', () => tell(text))
    answer(socket)
  })
  ends.push(() => close(server))
  return { server, received }
}

/** The output of a watcher, until it has this many lines. */
async function see(place: WatchPlace, count: number): Promise<Watched[]> {
  const controller = new AbortController()
  const seen: Watched[] = []
  for await (const entry of watchDecisions(place, controller.signal, 20)) {
    seen.push(entry)
    if (seen.length === count) controller.abort()
  }
  return seen
}

const lines = (...entries: readonly unknown[]): string =>
  entries.map((entry) => `${JSON.stringify(entry)}\n`).join('')

describe('a watcher', () => {
  it.each([
    ['ends', '', 'the connection was closed'],
    ['rejects it without a cause', lines({ type: 'refused' }), 'refused'],
    ['sends a line without an end', 'x'.repeat(16_385), TOO_LONG],
    ['sends a long line', `${'x'.repeat(16_385)}\n`, TOO_LONG],
  ])('tells how it lost a server that %s', async (_, text, cause) => {
    const { server } = await serve((socket) => socket.end(text))
    const place = { host: '127.0.0.1', port: await listen(server), secret: SECRET }
    expect(await see(place, 1)).toEqual([{ type: 'lost', cause }])
  })

  it('skips lines that it does not know, and takes no member of another type', async () => {
    const skipped = [
      { type: 'later' },
      { type: 'challenge' },
      { type: 'later', nonce: 'n' },
      { type: 'watching', from: 1 },
      { type: 'later', from: 'gateway' },
      { type: 'warning', message: {} },
      { type: 'later', message: 'm' },
      { ...DECISION, type: 'later' },
      { ...DECISION, status: '200' },
      { ...DECISION, time: 1 },
      { ...DECISION, outcome: undefined },
      { ...DECISION, path: null },
      [],
    ]
    const extra = JSON.stringify({ ...DECISION, principal: { a: 1 } })
    const known = `${extra.slice(0, -1)},"__proto__":{"x":1}}\n${lines({ type: 'warning', message: 'm' })}`
    const start = `no JSON\n${'x'.repeat(16_384)}\n`
    const { server, received } = await serve((socket) =>
      socket.write(`${start}${lines(...skipped)}${known}`),
    )
    const place = { host: '127.0.0.1', port: await listen(server), secret: SECRET }
    expect(await see(place, 2)).toEqual([DECISION, { type: 'warning', message: 'm' }])
    expect(await received).toBe('')
  })

  it('answers no challenge at a Unix socket, where it has no secret', async () => {
    const watching = { type: 'watching', from: 'gateway' }
    const { server, received } = await serve((socket) =>
      socket.write(lines({ type: 'challenge', nonce: 'n' }, watching)),
    )
    const path = inFolder('other.sock')
    await new Promise<void>((resolve) => server.listen(path, resolve))
    expect(await see({ path }, 1)).toEqual([watching])
    expect(await received).toBe('')
  })

  it('tries again after a second, ends at once when it is stopped, and leaves nothing behind', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const controller = new AbortController()
    const watching = watchDecisions({ path: inFolder('none.sock') }, controller.signal)
    const lost = { type: 'lost', cause: 'nothing listens there (ENOENT)' }
    expect((await watching.next()).value).toEqual(lost)
    const second = watching.next()
    vi.advanceTimersByTime(999)
    expect(vi.getTimerCount()).toBe(1)
    vi.advanceTimersByTime(1)
    expect((await second).value).toEqual(lost)
    const end = watching.next()
    controller.abort()
    expect(await end).toEqual({ done: true, value: undefined })
    const listeners = getEventListeners(controller.signal, 'abort')
    expect([vi.getTimerCount(), listeners]).toEqual([0, []])
  })
})
