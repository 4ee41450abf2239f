import { getEventListeners } from 'node:events'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { createDrain, readBody, readResponse } from '../../../src/core/endpoint/response-body.ts'

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

function streamOf(...chunks: Uint8Array[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    pull(controller) {
      const chunk = chunks.shift()
      if (chunk === undefined) controller.close()
      else controller.enqueue(chunk)
    },
  })
}

function read(body: Parameters<typeof readBody>[0], signal = new AbortController().signal) {
  return readBody(body, signal)
}

beforeEach(() => void vi.useFakeTimers())

describe('readBody', () => {
  it('leaves no listener on the signal, which may be used for many bodies', async () => {
    const { signal } = new AbortController()
    for (const body of [streamOf(bytes('a')), streamOf(Uint8Array.of(0xff))])
      await read(body, signal)
    expect(getEventListeners(signal, 'abort')).toEqual([])
  })

  it('reads what is there, whole', async () => {
    expect(await read(null)).toEqual({ state: 'complete', text: '' })
    expect(await read(undefined as unknown as null)).toEqual({ state: 'complete', text: '' })
    expect(await read(streamOf())).toEqual({ state: 'complete', text: '' })
    expect(await read(streamOf(bytes('a'), bytes('b')))).toEqual({ state: 'complete', text: 'ab' })
  })

  it('joins a character that is cut between chunks, and drops a byte order mark', async () => {
    const [first, ...rest] = bytes('é')
    const chunks = [bytes('\ufeff'), Uint8Array.of(first ?? 0), Uint8Array.from(rest)]
    expect(await read(streamOf(...chunks))).toEqual({ state: 'complete', text: 'é' })
  })

  it('is not UTF-8 where a byte is invalid or the last character is cut off', async () => {
    expect(await read(streamOf(Uint8Array.of(0x61, 0xff)))).toEqual({ state: 'not_utf8' })
    expect(await read(streamOf(Uint8Array.of(0xc3)))).toEqual({ state: 'not_utf8' })
  })

  it('reads 64 KiB, and cancels what is longer', async () => {
    const limit = new Uint8Array(65_536).fill(0x20)
    expect(await read(streamOf(limit))).toMatchObject({ state: 'complete' })
    const cancel = vi.fn<() => void>()
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new Uint8Array(1024)),
      cancel,
    })
    expect(await read(endless)).toEqual({ state: 'too_long' })
    expect(cancel).toHaveBeenCalledOnce()
    expect(await read(streamOf(limit, Uint8Array.of(0x20)))).toEqual({ state: 'too_long' })
  })

  it('is broken where the stream fails', async () => {
    const failing = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.error(new Error('reset')),
    })
    expect(await read(failing)).toEqual({ state: 'broken' })
    expect(await read({} as AsyncIterable<Uint8Array>)).toEqual({ state: 'broken' })
    const locked = streamOf(bytes('a'))
    locked.getReader()
    expect(await read(locked)).toEqual({ state: 'broken' })
  })

  it('ends with the signal, and cancels a body that does not obey it', async () => {
    const controller = new AbortController()
    const cancel = vi.fn<() => void>()
    const silent = new ReadableStream<Uint8Array>({ cancel })
    const outcome = read(silent, controller.signal)
    setTimeout(() => controller.abort(), 100)
    await vi.advanceTimersByTimeAsync(100)
    expect(await outcome).toEqual({ state: 'timeout' })
    expect(cancel).toHaveBeenCalledOnce()
    expect(await read(new ReadableStream(), controller.signal)).toEqual({ state: 'timeout' })
  })

  it('reads no further once the signal has ended it, even what ignores that', async () => {
    const controller = new AbortController()
    const next = vi.fn(async () => {
      await new Promise((resolve) => setTimeout(resolve, 10))
      return { done: false, value: new Uint8Array() }
    })
    const outcome = read({ [Symbol.asyncIterator]: () => ({ next }) }, controller.signal)
    await vi.advanceTimersByTimeAsync(25)
    controller.abort()
    expect(await outcome).toEqual({ state: 'timeout' })
    await vi.advanceTimersByTimeAsync(1000)
    expect(next).toHaveBeenCalledTimes(3)
  })

  it('calls it a timeout where the stream fails because of the signal', async () => {
    const controller = new AbortController()
    const obeying = new ReadableStream<Uint8Array>({
      start: (stream) => controller.signal.addEventListener('abort', () => stream.error()),
    })
    const outcome = read(obeying, controller.signal)
    controller.abort()
    expect(await outcome).toEqual({ state: 'timeout' })
  })

  it('reads an async iterable, and returns it when it is too long', async () => {
    async function* chunks(): AsyncGenerator<Uint8Array> {
      yield bytes('a')
      yield bytes('b')
    }
    expect(await read(chunks())).toEqual({ state: 'complete', text: 'ab' })
    const end = vi.fn<() => Promise<never>>().mockRejectedValue(new Error('late'))
    const endless: AsyncIterable<Uint8Array> = {
      [Symbol.asyncIterator]: () => ({
        next: () => Promise.resolve({ done: false, value: new Uint8Array(65_537) }),
        return: end,
      }),
    }
    expect(await read(endless)).toEqual({ state: 'too_long' })
    expect(end).toHaveBeenCalledOnce()
    const bare: AsyncIterable<Uint8Array> = {
      [Symbol.asyncIterator]: () => ({
        next: () => Promise.resolve({ done: true, value: undefined }),
      }),
    }
    expect(await read(bare)).toEqual({ state: 'complete', text: '' })
    const returned = vi.fn<() => Promise<IteratorResult<Uint8Array>>>()
    for (const [chunk, state] of [
      [bytes('a'), 'complete'],
      [Uint8Array.of(0xff), 'not_utf8'],
    ] as const) {
      const whole = [chunk].values()
      const next = () => Promise.resolve(whole.next())
      const body = { [Symbol.asyncIterator]: () => ({ next, return: returned }) }
      expect(await read(body)).toMatchObject({ state })
    }
    expect(returned).not.toHaveBeenCalled()
  })
})

describe('createDrain', () => {
  /** A body that never ends, and what cancels it. */
  function endless() {
    const cancel = vi.fn<() => void>()
    return { body: new ReadableStream<Uint8Array>({ cancel }), cancel }
  }

  it('reads a body to its end, and leaves no timer behind', async () => {
    const drain = createDrain()
    void drain(null)
    void drain(undefined as unknown as null)
    expect(vi.getTimerCount()).toBe(0)
    const chunks = [bytes('a'), bytes('b')]
    void drain(streamOf(...chunks))
    expect(vi.getTimerCount()).toBe(1)
    await vi.advanceTimersByTimeAsync(0)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('cancels a body after a second', async () => {
    const { body, cancel } = endless()
    void createDrain()(body)
    await vi.advanceTimersByTimeAsync(999)
    expect(cancel).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(1)
    expect(cancel).toHaveBeenCalledOnce()
  })

  it('drains 1,024 bodies at once, and cancels one more at once', async () => {
    const drain = createDrain()
    const bodies = Array.from({ length: 1025 }, endless)
    for (const { body } of bodies) void drain(body)
    await vi.advanceTimersByTimeAsync(0)
    const cancelled = bodies.map(({ cancel }) => cancel.mock.calls.length)
    expect(cancelled).toEqual([...Array.from({ length: 1024 }, () => 0), 1])
    await vi.advanceTimersByTimeAsync(1000)
    const later = endless()
    void drain(later.body)
    await vi.advanceTimersByTimeAsync(999)
    expect(later.cancel).not.toHaveBeenCalled()
    // An unhandled rejection fails the run.
    void drain(new ReadableStream({ pull: (stream) => stream.error(new Error('reset')) }))
    await vi.advanceTimersByTimeAsync(1000)
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('readResponse', () => {
  const { signal } = new AbortController()
  const LENGTH = { 'content-length': '2' }

  /** How the body was read. */
  async function wayOf(headers: Record<string, string>): Promise<string> {
    const response = new Response('ok', { headers })
    const whole = vi.spyOn(response, 'arrayBuffer')
    expect(await readResponse(response, signal)).toEqual({ state: 'complete', text: 'ok' })
    return whole.mock.calls.length === 0 ? 'stream' : 'whole'
  }

  it('leaves a body to the runtime whose length is told, and short', async () => {
    expect(await wayOf(LENGTH)).toBe('whole')
    expect(await wayOf({ 'content-length': '65536' })).toBe('whole')
  })

  it('reads 64 KiB of it', async () => {
    const response = new Response(' '.repeat(65_536), { headers: { 'content-length': '65536' } })
    expect(await readResponse(response, signal)).toMatchObject({ state: 'complete' })
  })

  it.each([
    ['no length', {}],
    ['a length over 64 KiB', { 'content-length': '65537' }],
    ['a length of many digits', { 'content-length': '000002' }],
    ['a length below zero', { 'content-length': '-2' }],
    ['two lengths', { 'content-length': '2, 2' }],
    ['a length that is none', { 'content-length': '2e0' }],
    [
      'a transfer coding, which frames it in place of the length',
      { 'transfer-encoding': 'chunked', ...LENGTH },
    ],
    ['an empty transfer coding', { 'transfer-encoding': '', ...LENGTH }],
    ['a content coding, whose length is another', { 'content-encoding': 'gzip', ...LENGTH }],
    ['an empty content coding', { 'content-encoding': '', ...LENGTH }],
  ])('reads the stream, with its bound, of what has %s', async (_title, headers) => {
    expect(await wayOf(headers)).toBe('stream')
  })

  it('reads the stream of a response that a custom fetch made', async () => {
    const headers = new Headers(LENGTH)
    const body = streamOf(bytes('ok'))
    const ok = { state: 'complete', text: 'ok' }
    expect(await readResponse({ status: 200, headers, body }, signal)).toEqual(ok)
    const odd = { status: 200, headers, body: streamOf(bytes('ok')), arrayBuffer: 'none' }
    expect(await readResponse(odd, signal)).toEqual(ok)
  })

  it('takes no more than 64 KiB even of a length that lied, and nothing that is not UTF-8', async () => {
    const long = new Response('a'.repeat(65_537), { headers: LENGTH })
    expect(await readResponse(long, signal)).toEqual({ state: 'too_long' })
    const invalid = new Response(Uint8Array.of(0xff), { headers: LENGTH })
    expect(await readResponse(invalid, signal)).toEqual({ state: 'not_utf8' })
  })
})
