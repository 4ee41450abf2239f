import { describe, expect, it, vi } from 'vitest'
import { createFront } from '../../../src/cli/gateway/front.ts'
import { get, raw } from '../../support/requests.ts'
import type { RequestLog } from '../../../src/cli/gateway/request-log.ts'
import type { ProofState } from '../../../src/cli/proof.ts'

const describePath = (_: Request, path: string, method: string) => ({ path, method })

function create(state: ProofState, healthz = true) {
  const guarded = vi.fn(() => new Response('guarded'))
  const answered = vi.fn<RequestLog['answered']>()
  const proof = { state: () => state, cause: () => undefined }
  const isConflicting = vi.fn(() => false)
  const requestLog = { answered, rejected: () => undefined }
  const options = { guarded, proof, isConflicting, healthz, requestLog, describe: describePath }
  return { front: createFront(options), guarded, answered, isConflicting }
}

describe('before the guard', () => {
  it('finds the client address before it waits', () => {
    const { front, isConflicting } = create('proven')
    const request = get('/v1/models')
    void front(request)
    expect(isConflicting).toHaveBeenCalledExactlyOnceWith(request)
  })

  it('logs the status of the guard, or 500 if it throws', async () => {
    const { front, guarded, answered } = create('proven')
    const request = get('/v1/models')
    guarded.mockImplementationOnce(() => new Response('', { status: 418 }))
    await front(request)
    expect(answered).toHaveBeenCalledExactlyOnceWith(request, 418)
    guarded.mockImplementationOnce(() => {
      throw new Error('bug')
    })
    await expect(front(request)).rejects.toThrow('bug')
    expect(answered).toHaveBeenLastCalledWith(request, 500)
    expect(answered).toHaveBeenCalledTimes(2)
  })

  it('/healthz reports only whether the endpoint is proven', async () => {
    const { front, guarded } = create('proven')
    const response = await front(get('/healthz'))
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('application/json')
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect(await response.json()).toEqual({ status: 'ok' })
    const unready = await create('unproven').front(get('/healthz'))
    expect([unready.status, unready.statusText]).toEqual([503, 'Service Unavailable'])
    expect(await unready.json()).toEqual({ status: 'endpoint_unproven' })
    expect(guarded).not.toHaveBeenCalled()
  })

  it('HEAD /healthz has no body', async () => {
    const response = await create('proven').front(
      new Request('http://h/healthz', { method: 'HEAD' }),
    )
    expect(response.status).toBe(200)
    expect(response.body).toBeNull()
  })

  it.each([
    ['POST', '/healthz'],
    ['DELETE', '/healthz'],
    ['GET', '/healthz/'],
    ['GET', '/HEALTHZ'],
    ['GET', '/a?/healthz'],
  ])('%s %s is not the health check', async (method, path) => {
    const { front, guarded } = create('proven')
    await front(new Request(`http://h${path}`, { method }))
    expect(guarded).toHaveBeenCalledTimes(1)
  })

  it('/healthz is guarded unless it was enabled', async () => {
    const { front, guarded } = create('proven', false)
    await front(get('/healthz'))
    expect(guarded).toHaveBeenCalledTimes(1)
  })

  it('leaves an ambiguous target to the guard', async () => {
    const { front, guarded } = create('proven')
    await front(raw('https://h/../healthz', {}))
    expect(guarded).toHaveBeenCalledTimes(1)
    const { status, statusText } = await create('open').front(raw('https://h/../healthz', {}))
    expect([status, statusText]).toEqual([503, 'Service Unavailable'])
  })
})
