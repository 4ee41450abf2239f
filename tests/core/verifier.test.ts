import { expect, it, vi } from 'vitest'
import { resolveConfig } from '../../src/core/config.ts'
import { createVerifier } from '../../src/core/verifier.ts'
import type { Transport } from '../../src/index.ts'

const check = {
  question: { token: 't', request: { path: '/', headers: {}, params: {} } },
  attempts: 0,
  endpointStatus: undefined,
}

it('asks the endpoint, within the deadline', async () => {
  const silent = vi.fn<Transport>(() => new Promise(() => undefined))
  const config = resolveConfig({ transport: silent, timeoutMs: 20 })
  const verdict = createVerifier(config, 'https://auth.example.test')(check)
  await expect(verdict).rejects.toMatchObject({ reason: 'timeout' })
  expect(silent).toHaveBeenCalledExactlyOnceWith('https://auth.example.test', expect.anything())
})

it('asks a verifier in its place, within the deadline', async () => {
  const config = resolveConfig({ verifier: () => new Promise(() => undefined), timeoutMs: 20 })
  await expect(createVerifier(config, undefined)(check)).rejects.toMatchObject({
    reason: 'timeout',
  })
})

it('cannot be made of nothing', () => {
  expect(() => createVerifier(resolveConfig({}), undefined)).toThrow(TypeError)
})
