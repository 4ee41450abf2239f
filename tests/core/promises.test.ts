import { expect, it, vi } from 'vitest'
import { ignore, isPromise } from '../../src/core/promises.ts'

it('knows a promise by its shape, whatever the global Promise is', () => {
  const promise = Promise.resolve(5)
  vi.stubGlobal('Promise', function Other() {})
  expect(isPromise(promise)).toBe(true)
  vi.unstubAllGlobals()
  for (const other of [undefined, null, 5, 'then', {}, { outcome: 'allow' }, () => 5]) {
    expect(isPromise(other)).toBe(false)
  }
})

it('calls nothing of what is no promise', async () => {
  const then = vi.fn<() => void>()
  ignore(Object.assign(() => undefined, { then }))
  await new Promise((resolve) => setTimeout(resolve, 0))
  expect(then).not.toHaveBeenCalled()
})

it('ignores a rejection, and whatever is no promise', async () => {
  const unhandled = vi.fn<(reason: unknown) => void>()
  process.on('unhandledRejection', unhandled)
  for (const value of [Promise.reject(new Error('late')), Promise.resolve(), undefined, 5]) {
    ignore(value)
  }
  await new Promise((resolve) => setTimeout(resolve, 5))
  process.off('unhandledRejection', unhandled)
  expect(unhandled).not.toHaveBeenCalled()
})
