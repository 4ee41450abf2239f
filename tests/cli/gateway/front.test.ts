import { expect, it, vi } from 'vitest'
import { createFront } from '../../../src/cli/gateway/front.ts'
import { get } from '../../support/requests.ts'

// A running gateway shows the rest: its guard does not throw.
it('looks at the client before it waits, and logs 500 for a guard that throws', async () => {
  const [answered, isConflicting] = [vi.fn(), vi.fn(() => false)]
  const front = createFront({
    guarded: () => Promise.reject(new Error('bug')),
    proof: { state: () => 'proven', cause: () => undefined },
    isConflicting,
    healthz: false,
    requestLog: { answered, rejected: () => undefined },
    describe: (_, path, method) => ({ path, method }),
  })
  const request = get('/v1/models')
  const response = front(request)
  expect(isConflicting).toHaveBeenCalledExactlyOnceWith(request)
  await expect(response).rejects.toThrow('bug')
  expect(answered).toHaveBeenCalledExactlyOnceWith(request, 500)
})
