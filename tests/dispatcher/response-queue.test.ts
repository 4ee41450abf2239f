import { getEventListeners } from 'node:events'
import { inspect } from 'node:util'
import { describe, expect, it, vi } from 'vitest'
import { findErrorCode } from '../../src/core/redaction.ts'
import { EventQueue, ResponseQueue } from '../../src/dispatcher/response-queue.ts'
import type { TransportResponse } from '../../src/core/verifier.ts'

/** Plays undici's callbacks in every order. `tests/node/node-transport.test.ts` runs undici itself. */

const KIB_32 = new Uint8Array(32_768)

function setup(clock = new AbortController()) {
  const controller = { pause: vi.fn<() => void>(), resume: vi.fn<() => void>(), abort: vi.fn() }
  const begun = vi.fn<(response: TransportResponse) => void>()
  const failed = vi.fn<(error: Error) => void>()
  const queue = new EventQueue(begun, failed, clock.signal)
  return { clock, controller, begun, failed, queue }
}

function started(headers: Record<string, string | string[]> = {}) {
  const given = setup()
  given.queue.onRequestStart(given.controller)
  given.queue.onResponseStart(given.controller, 200, headers)
  return given
}

describe('ResponseQueue', () => {
  it('has the status at once, and then the body in order', async () => {
    const { queue, begun, controller } = started()
    expect(begun.mock.calls[0]?.[0].status).toBe(200)
    queue.onResponseData(controller, new Uint8Array([1]))
    expect(await queue.next()).toEqual({ done: false, value: new Uint8Array([1]) })
    const next = queue.next()
    queue.onResponseData(controller, new Uint8Array([2]))
    queue.onResponseEnd()
    expect(await next).toEqual({ done: false, value: new Uint8Array([2]) })
    expect(await queue.next()).toEqual({ done: true, value: undefined })
  })

  it('ends a pending read when the response ends', async () => {
    const { queue } = started()
    const next = queue.next()
    queue.onResponseEnd()
    expect(await next).toEqual({ done: true, value: undefined })
  })

  it('joins repeated headers, and has no header of Object.prototype', () => {
    const { begun } = started({ 'cache-control': ['no-store', 'max-age=5'], age: '1' })
    const headers = begun.mock.calls[0]?.[0].headers
    const read = ['cache-control', 'age', '__proto__'].map((name) => headers?.get(name))
    expect(read).toEqual(['no-store, max-age=5', '1', null])
  })

  it('reads fields in bytes, whose values may be lists', () => {
    const begun = vi.fn<(response: TransportResponse) => void>()
    const queue = new ResponseQueue(begun, vi.fn(), new AbortController().signal)
    const raw = [
      'Retry-After',
      ['1', '2'],
      '__proto__',
      'é',
      'age',
      '5',
      'AGE',
      '6',
      'odd',
    ] as const
    const toBytes = (text: string) => Buffer.from(text, 'latin1')
    queue.onHeaders(
      200,
      raw.map((text) => (typeof text === 'string' ? toBytes(text) : text.map(toBytes))),
      vi.fn(),
    )
    const headers = begun.mock.calls[0]?.[0].headers
    const read = ['retry-after', '__proto__', 'age', 'odd'].map((name) => headers?.get(name))
    expect(read).toEqual(['1, 2', 'é', '5, 6', null])
  })

  it('pauses the connection at 64 KiB of unread body (memory exhaustion)', async () => {
    const { queue, controller } = started()
    queue.onResponseData(controller, KIB_32)
    expect(controller.pause).not.toHaveBeenCalled()
    queue.onResponseData(controller, KIB_32)
    expect(controller.pause).toHaveBeenCalledOnce()
    await queue.next()
    expect(controller.resume).toHaveBeenCalledOnce()
    await queue.next()
    expect(controller.resume).toHaveBeenCalledOnce()
  })

  it('resumes the connection only after a pause, and below 64 KiB', async () => {
    const { queue, controller } = started()
    queue.onResponseData(controller, new Uint8Array(1))
    await queue.next()
    expect(controller.resume).not.toHaveBeenCalled()
    for (const size of [1, 2, 1, 65_535]) queue.onResponseData(controller, new Uint8Array(size))
    expect(controller.pause).toHaveBeenCalledOnce()
    // The queue holds more than 64 KiB, then exactly 64 KiB, then less.
    await queue.next()
    await queue.next()
    expect(controller.resume).not.toHaveBeenCalled()
    await queue.next()
    expect(controller.resume).toHaveBeenCalledOnce()
  })

  it('can be read before there is a connection', async () => {
    const { queue, controller } = setup()
    queue.onResponseData(controller, new Uint8Array(65_536))
    expect(await queue.next()).toMatchObject({ done: false })
  })

  it('ends the connection once when its body is cancelled', async () => {
    const { queue, controller } = started()
    await queue.return()
    await queue.return()
    expect(controller.abort).toHaveBeenCalledOnce()
    await expect(queue.next()).rejects.toThrow('its body was cancelled')
  })

  it('keeps the connection of a complete response', async () => {
    const { queue, controller, clock } = started()
    queue.onResponseEnd()
    await queue.return()
    clock.abort()
    expect(controller.abort).not.toHaveBeenCalled()
  })

  it.each([
    ['whole', ({ queue }: ReturnType<typeof setup>) => queue.onResponseEnd()],
    ['broken', ({ queue, controller }) => queue.onResponseError(controller, new Error('x'))],
  ])('removes its listener from the signal when the response is %s', (_how, end) => {
    const given = started()
    expect(getEventListeners(given.clock.signal, 'abort')).toHaveLength(1)
    end(given)
    expect(getEventListeners(given.clock.signal, 'abort')).toEqual([])
  })

  it('ends at an abort, and so does a pending read', async () => {
    const { queue, controller, clock } = started()
    const next = queue.next()
    clock.abort()
    expect(controller.abort).toHaveBeenCalledOnce()
    await expect(next).rejects.toThrow('the call was aborted')
  })

  it('sends nothing when it was aborted before there was a connection', () => {
    const { queue, controller, failed, clock } = setup()
    clock.abort()
    expect(failed).toHaveBeenCalledOnce()
    queue.onRequestStart(controller)
    expect(controller.abort).toHaveBeenCalledOnce()
  })

  it('fails at once with a signal that has aborted', () => {
    const clock = new AbortController()
    clock.abort()
    expect(setup(clock).failed).toHaveBeenCalledOnce()
  })

  it.each([
    [
      Object.assign(new Error('token'), { code: 'UND_ERR_SOCKET', data: 'token' }),
      'UND_ERR_SOCKET',
    ],
    [
      new AggregateError([Object.assign(new Error('token'), { code: 'EHOSTUNREACH' })], 'token'),
      'EHOSTUNREACH',
    ],
    [Object.assign(new Error('token'), { code: 'the token' }), 'unknown error'],
    [Object.assign(new Error('token'), { code: 'token UND_ERR' }), 'unknown error'],
    [Object.assign(new Error('token'), { code: 'UND_ERR token' }), 'unknown error'],
    [Object.assign(new Error('token'), { code: 55 }), 'unknown error'],
    [null, 'unknown error'],
    [new Error('token', { cause: 'token' }), 'unknown error'],
    [undefined, 'unknown error'],
  ])('tells only the code of %o', (error, shown) => {
    const { queue, controller, failed } = setup()
    queue.onResponseError(controller, error)
    const [said] = failed.mock.calls[0] ?? []
    expect(said?.message).toBe(`No whole response from the endpoint: ${shown}`)
    expect(findErrorCode(said)).toBe(shown === 'unknown error' ? undefined : shown)
    expect(inspect(said, { depth: null, showHidden: true })).not.toContain('token')
  })

  it.each([
    [399, undefined],
    [400, 400],
    [599, 599],
    [600, undefined],
    [200, undefined],
    ['401', undefined],
    [NaN, undefined],
  ])('turns an error with the status %s into a response with %s', (statusCode, status) => {
    const { queue, controller, begun, failed } = setup()
    queue.onRequestStart(controller)
    queue.onResponseError(controller, Object.assign(new Error('x'), { statusCode, headers: null }))
    expect(begun.mock.calls[0]?.[0].status).toBe(status)
    expect(failed).toHaveBeenCalledTimes(status === undefined ? 1 : 0)
    expect(begun.mock.calls[0]?.[0].headers.get('retry-after') ?? null).toBeNull()
  })

  it('turns no error into a response after a response or an abort', async () => {
    const error = Object.assign(new Error('x'), { statusCode: 401 })
    const { queue, controller, begun } = started()
    queue.onResponseError(controller, error)
    expect(begun).toHaveBeenCalledOnce()
    await expect(queue.next()).rejects.toThrow('unknown error')
    const given = setup()
    given.clock.abort()
    given.queue.onResponseError(given.controller, error)
    await expect(given.queue.next()).rejects.toThrow('was aborted')
  })

  it.each([
    [{ history: [new URL('http://h/')] }, 1],
    [{ history: [] }, 0],
    [{}, 0],
    [null, 0],
  ])('sends nothing to the target of a redirect: %j', (context, ended) => {
    const { queue, controller, failed } = setup()
    queue.onRequestStart(controller, { history: [] })
    queue.onRequestStart(controller, context)
    expect(failed).toHaveBeenCalledTimes(ended)
    expect(controller.abort).toHaveBeenCalledTimes(ended)
  })

  it('fails the body for an error after the status', async () => {
    const { queue, controller } = started()
    queue.onResponseData(controller, new Uint8Array([1]))
    queue.onResponseError(controller, new Error('x'))
    expect(await queue.next()).toMatchObject({ done: false })
    await expect(queue.next()).rejects.toThrow('unknown error')
  })
})
