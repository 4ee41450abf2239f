import { afterEach, expect, it, vi } from 'vitest'
import { runtimeFetch } from '../../src/core/runtime-fetch.ts'

afterEach(() => vi.unstubAllGlobals())

it('asks by the fetch that the runtime has at the time of the call', async () => {
  const response = new Response('ok')
  const instrumented = vi.fn<typeof fetch>(() => Promise.resolve(response))
  vi.stubGlobal('fetch', instrumented)
  const { signal } = new AbortController()
  const init = { method: 'POST', headers: {}, body: '{}', redirect: 'manual', signal } as const
  expect(await runtimeFetch('https://auth.example.test/', init)).toBe(response)
  expect(instrumented).toHaveBeenCalledExactlyOnceWith('https://auth.example.test/', init)
})
