import { expect, it, vi } from 'vitest'
import { createFront } from '../../../src/cli/gateway/front.ts'
import { raw } from '../../support/requests.ts'

const create = (more: Partial<Parameters<typeof createFront>[0]>) =>
  createFront({
    guarded: () => Promise.reject(new Error('bug')),
    proof: { state: () => 'proven', cause: () => undefined },
    isConflicting: () => false,
    healthz: true,
    requestLog: { answered: () => undefined, rejected: () => undefined },
    describe: (_, path, method) => ({ path, method }),
    ...more,
  })

it('answers a load balancer that sends HEAD without a body', async () => {
  const front = create({})
  const ask = (method: string) => front(new Request('https://h/healthz', { method }))
  const [head, whole] = [await ask('HEAD'), await ask('GET')]
  expect([head.status, await head.text()]).toEqual([200, ''])
  expect([whole.status, await whole.text()]).toEqual([200, '{"status":"ok"}'])
})

// A running gateway shows the rest: its guard does not throw.
it('looks at the client before it waits, leaves an ambiguous target to the guard, and logs 500 if that throws', async () => {
  const [answered, isConflicting] = [vi.fn(), vi.fn(() => false)]
  const front = create({ isConflicting, requestLog: { answered, rejected: () => undefined } })
  const request = raw('https://h/../healthz', {})
  const response = front(request)
  expect(isConflicting).toHaveBeenCalledExactlyOnceWith(request)
  await expect(response).rejects.toThrow('bug')
  expect(answered).toHaveBeenCalledExactlyOnceWith(request, 500)
})

it('logs no path of a target that cannot be read', async () => {
  const rejected = vi.fn()
  const front = create({
    proof: { state: () => 'unproven', cause: () => undefined },
    requestLog: { answered: () => undefined, rejected },
  })
  const request = raw('https://h/../secret', {})
  expect((await front(request)).status).toBe(503)
  const rejection = { reason: 'endpoint_unproven', status: 503 }
  expect(rejected).toHaveBeenCalledExactlyOnceWith(
    request,
    { path: '', method: 'GET' },
    expect.objectContaining(rejection),
  )
})
