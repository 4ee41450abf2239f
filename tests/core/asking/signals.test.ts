import { getEventListeners } from 'node:events'
import { expect, it, vi } from 'vitest'
import { withAuth } from '../../../src/index.ts'
import { ENDPOINT } from '../../support/msw-endpoint.ts'
import { get } from '../../support/requests.ts'

it('no signal of a check stays in memory (nodejs/node#55351, nodejs/node#48951, denoland/deno#24842)', async () => {
  const combined = vi.spyOn(AbortSignal, 'any')
  const timed = vi.spyOn(AbortSignal, 'timeout')
  const { signal } = new AbortController()
  const passed: AbortSignal[] = []
  const guarded = withAuth(() => new Response(''), {
    endpoint: ENDPOINT,
    fetch: async (_url, init) => {
      passed.push(init.signal)
      return new Response(null, { status: 401 })
    },
  })
  for (let count = 0; count < 50; count += 1) {
    const request = get('/', `token-${count}`)
    await guarded(Object.defineProperty(request, 'signal', { value: signal }))
  }
  expect(new Set(passed).size).toBe(50)
  expect(getEventListeners(signal, 'abort')).toEqual([])
  expect(passed.flatMap((one) => getEventListeners(one, 'abort'))).toEqual([])
  expect(combined).not.toHaveBeenCalled()
  expect(timed).not.toHaveBeenCalled()
})
