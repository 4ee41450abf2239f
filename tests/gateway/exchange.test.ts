import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { exchange } from '../../src/gateway/exchange.ts'
import type { UpstreamFetch } from '../../src/gateway.ts'

const INIT = {
  method: 'GET',
  headers: new Headers(),
  body: null,
  duplex: 'half',
  redirect: 'manual',
} as const
const URL = 'http://127.0.0.1/x'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => {
  if (vi.getTimerCount() > 0) throw new Error('A timer is left behind')
  vi.useRealTimers()
})

function send(fetch: UpstreamFetch, client = new AbortController().signal) {
  return exchange(fetch, { url: URL, init: INIT, mayBeEmpty: true }, client, 1000)
}

/** A fetch that obeys its signal. */
const hanging: UpstreamFetch = (_url, { signal }) =>
  new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error))
    if (signal.aborted) reject(signal.reason as Error)
  })

it('gives the response, and hands over what is to be sent', async () => {
  const response = new Response('hello')
  const fetch = vi.fn<UpstreamFetch>(async () => response)
  expect(await send(fetch)).toEqual({ response })
  expect(fetch).toHaveBeenCalledExactlyOnceWith(URL, {
    ...INIT,
    signal: expect.any(AbortSignal) as AbortSignal,
  })
})

it.each<[string, UpstreamFetch]>([
  ['rejects', () => Promise.reject(new Error('reset'))],
  [
    'throws',
    () => {
      throw new Error('reset')
    },
  ],
])('is unreachable when fetch %s', async (_, fetch) => {
  expect(await send(fetch)).toEqual({
    code: 'upstream_unreachable',
    error: expect.any(Error) as Error,
  })
})

it.each<[string, UpstreamFetch]>([
  ['obeys', hanging],
  ['does not obey', () => new Promise(() => undefined)],
])('times out for a fetch that %s its signal', async (_, fetch) => {
  const pending = send(fetch)
  await vi.advanceTimersByTimeAsync(999)
  await expect(Promise.race([pending, Promise.resolve('waiting')])).resolves.toBe('waiting')
  await vi.advanceTimersByTimeAsync(1)
  expect(await pending).toEqual({ code: 'upstream_timeout' })
})

describe('A-I14 a client that leaves', () => {
  it('ends the call', async () => {
    const client = new AbortController()
    const pending = send(hanging, client.signal)
    client.abort()
    expect(await pending).toEqual({ code: 'client_left' })
  })

  it('ends it before it begins', async () => {
    expect(await send(hanging, AbortSignal.abort())).toEqual({ code: 'client_left' })
  })

  it('is not listened to any longer when the head is there', async () => {
    const client = new AbortController()
    const add = vi.spyOn(client.signal, 'addEventListener')
    const remove = vi.spyOn(client.signal, 'removeEventListener')
    let signal: AbortSignal | undefined
    const fetch: UpstreamFetch = async (_url, init) => {
      signal = init.signal
      return new Response('hello')
    }
    await send(fetch, client.signal)
    expect(remove.mock.calls).toEqual(add.mock.calls)
    // Deno aborts it after every response.
    client.abort()
    expect(signal?.aborted).toBe(false)
  })
})

it('throws away what comes too late', async () => {
  const cancel = vi.fn<() => void>()
  let answer: (response: Response) => void = () => undefined
  const pending = send(() => new Promise((resolve) => (answer = resolve)))
  await vi.advanceTimersByTimeAsync(1000)
  expect(await pending).toEqual({ code: 'upstream_timeout' })
  answer(new Response(new ReadableStream({ cancel })))
  await vi.advanceTimersByTimeAsync(0)
  expect(cancel).toHaveBeenCalledOnce()
})

describe('a body without a length', () => {
  const bodySent = async (body: ReadableStream<Uint8Array>, mayBeEmpty: boolean) => {
    const fetch = vi.fn<UpstreamFetch>(async () => new Response(''))
    const init = { ...INIT, method: 'POST', body }
    await exchange(fetch, { url: URL, init, mayBeEmpty }, new AbortController().signal, 1000)
    return fetch.mock.calls[0]?.[1].body
  }

  it('is none if it ends before its first byte', async () => {
    expect(await bodySent(new Blob([]).stream(), true)).toBeNull()
  })

  it('is none if it is one empty chunk', async () => {
    const empty = new ReadableStream<Uint8Array>({
      start: (controller) => {
        controller.enqueue(new Uint8Array(0))
        controller.close()
      },
    })
    expect(await bodySent(empty, true)).toBeNull()
  })

  it('is passed on whole', async () => {
    const body = await bodySent(new Blob(['abc']).stream(), true)
    expect(await new Response(body ?? null).text()).toBe('abc')
  })

  it('is not waited for if its head says that there is one', async () => {
    const silent = new ReadableStream<Uint8Array>()
    expect(await bodySent(silent, false)).toBe(silent)
  })

  it('is cancelled by the upstream', async () => {
    const cancel = vi.fn()
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new Uint8Array(1)),
      cancel,
    })
    const body = await bodySent(endless, true)
    await body?.cancel('enough')
    expect(cancel).toHaveBeenCalledExactlyOnceWith('enough')
  })
})
