import { beforeEach, describe, expect, it, vi } from 'vitest'
import { ignore, isPromise, orAborted, within } from '../../src/core/async.ts'

beforeEach(() => void vi.useFakeTimers())

/** The listeners that a signal has now, with their types. */
function listenersOf(signal: AbortSignal): ReadonlyMap<unknown, string> {
  const listeners = new Map<unknown, string>()
  vi.spyOn(signal, 'addEventListener').mockImplementation((type: string, listener: unknown) => {
    listeners.set(listener, type)
  })
  vi.spyOn(signal, 'removeEventListener').mockImplementation((type: string, listener: unknown) => {
    if (listeners.get(listener) === type) listeners.delete(listener)
  })
  return listeners
}

describe('within', () => {
  it('gives the value or the rejection, and leaves no timer', async () => {
    expect(await within(100, Promise.resolve(5))).toBe(5)
    await expect(within(100, Promise.reject(new Error('bug')))).rejects.toThrow('bug')
    expect(vi.getTimerCount()).toBe(0)
  })

  it('gives undefined when it takes longer', async () => {
    const outcome = within(100, new Promise(() => undefined))
    await vi.advanceTimersByTimeAsync(100)
    expect(await outcome).toBeUndefined()
  })
})

describe('orAborted', () => {
  it('gives the value or the rejection, and leaves no listener', async () => {
    const { signal } = new AbortController()
    const listeners = listenersOf(signal)
    const outcome = orAborted(Promise.resolve(5), signal)
    expect(listeners.size).toBe(1)
    expect(await outcome).toBe(5)
    await expect(orAborted(Promise.reject(new Error('bug')), signal)).rejects.toThrow('bug')
    expect(listeners.size).toBe(0)
  })

  it('rejects as soon as the signal aborts, and when it has before', async () => {
    const controller = new AbortController()
    const outcome = orAborted(new Promise(() => undefined), controller.signal)
    controller.abort()
    await expect(outcome).rejects.toMatchObject({ reason: 'timeout' })
    const late = orAborted(new Promise(() => undefined), controller.signal)
    await expect(late).rejects.toMatchObject({ reason: 'timeout' })
  })
})

it('knows a promise by its shape, whatever the global Promise is', () => {
  const promise = Promise.resolve(5)
  vi.stubGlobal('Promise', function Other() {})
  expect(isPromise(promise)).toBe(true)
  vi.unstubAllGlobals()
  for (const other of [undefined, null, 5, 'then', {}, { outcome: 'allow' }, () => 5]) {
    expect(isPromise(other)).toBe(false)
  }
})

it('does not call the `then` of a function', async () => {
  vi.useRealTimers()
  const then = vi.fn<() => void>()
  ignore(Object.assign(() => undefined, { then }))
  await new Promise((resolve) => setTimeout(resolve, 0))
  expect(then).not.toHaveBeenCalled()
})

it('ignores rejections and values that are not promises', async () => {
  vi.useRealTimers()
  const unhandled = vi.fn<(reason: unknown) => void>()
  process.on('unhandledRejection', unhandled)
  for (const value of [Promise.reject(new Error('late')), Promise.resolve(), undefined, 5]) {
    ignore(value)
  }
  await new Promise((resolve) => setTimeout(resolve, 5))
  process.off('unhandledRejection', unhandled)
  expect(unhandled).not.toHaveBeenCalled()
})
