import { describe, expect, it, vi } from 'vitest'
import { createFront } from '../../../src/cli/gateway/front.ts'
import { get, raw } from '../../support/requests.ts'
import type { RequestLog } from '../../../src/cli/gateway/request-log.ts'
import type { ProofState } from '../../../src/cli/proof.ts'

const describePath = (_: Request, path: string) => ({ path })

function create(state: ProofState, healthz = true, isUnclear = false) {
  const guarded = vi.fn(() => new Response('guarded'))
  const answered = vi.fn<RequestLog['answered']>()
  const rejected = vi.fn<RequestLog['rejected']>()
  const proof = { state: () => state, cause: () => (state === 'open' ? 'open' : 'ECONNREFUSED') }
  const isConflicting = vi.fn(() => isUnclear)
  const requestLog = { answered, rejected }
  return {
    front: createFront({
      guarded,
      proof,
      isConflicting,
      healthz,
      requestLog,
      describe: describePath,
    }),
    guarded,
    answered,
    rejected,
    isConflicting,
  }
}

describe('before the guard', () => {
  it.each(['unproven', 'open'] as const)(
    'everybody is refused while the endpoint is %s, whatever the key',
    async (state) => {
      const { front, guarded, rejected, answered } = create(state)
      const request = get('/v1/models?key=sk-secret', 'sk-good')
      const response = await front(request)
      expect(response.status).toBe(503)
      expect(response.headers.get('retry-after')).toBe('2')
      expect(response.headers.get('cache-control')).toBe('no-store')
      expect(await response.json()).toEqual({
        error: {
          message: 'Authentication service error',
          type: 'api_error',
          code: 'endpoint_unproven',
        },
      })
      expect(guarded).not.toHaveBeenCalled()
      expect(rejected).toHaveBeenCalledExactlyOnceWith(
        request,
        { path: '/v1/models' },
        {
          reason: 'endpoint_unproven',
          status: 503,
          cause: state === 'open' ? 'open' : 'ECONNREFUSED',
        },
      )
      expect(answered).not.toHaveBeenCalled()
    },
  )

  it('a request is rejected whose headers name two clients', async () => {
    const { front, guarded, rejected } = create('proven', true, true)
    const request = get('/v1/models', 'sk-good')
    const response = await front(request)
    expect(response.status).toBe(400)
    expect(response.headers.has('retry-after')).toBe(false)
    expect(await response.json()).toEqual({
      error: {
        message: 'Forwarded and X-Forwarded-For name different clients',
        type: 'invalid_request_error',
        code: 'conflicting_forwarded_headers',
      },
    })
    expect(guarded).not.toHaveBeenCalled()
    expect(rejected).toHaveBeenCalledExactlyOnceWith(
      request,
      { path: '/v1/models' },
      {
        reason: 'conflicting_forwarded_headers',
        status: 400,
      },
    )
    expect((await front(get('/healthz'))).status).toBe(200)
    expect((await create('unproven', true, true).front(request)).status).toBe(503)
  })

  it('the address of the client is found before anything is waited for', () => {
    const { front, isConflicting } = create('proven')
    const request = get('/v1/models')
    void front(request)
    expect(isConflicting).toHaveBeenCalledExactlyOnceWith(request)
  })

  it('the log gets the status of what the guard answers, and 500 if that throws', async () => {
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

  it('a request passes to the guard, once the endpoint is proven', async () => {
    const { front, guarded } = create('proven')
    const request = get('/v1/models')
    expect(await (await front(request)).text()).toBe('guarded')
    expect(guarded).toHaveBeenCalledExactlyOnceWith(request)
  })

  it('/healthz says whether the endpoint is proven, and no more', async () => {
    const { front, guarded } = create('proven')
    const response = await front(get('/healthz'))
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('application/json')
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect(await response.json()).toEqual({ status: 'ok' })
    const unready = await create('unproven').front(get('/healthz'))
    expect(unready.status).toBe(503)
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
  ])('%s %s is a request like any other', async (method, path) => {
    const { front, guarded } = create('proven')
    await front(new Request(`http://h${path}`, { method }))
    expect(guarded).toHaveBeenCalledTimes(1)
  })

  it('/healthz is a request like any other unless it was asked for', async () => {
    const { front, guarded } = create('proven', false)
    await front(get('/healthz'))
    expect(guarded).toHaveBeenCalledTimes(1)
  })

  it('a target that can be read in two ways is left to the guard, or refused as all are', async () => {
    const { front, guarded } = create('proven')
    await front(raw('https://h/../healthz', {}))
    expect(guarded).toHaveBeenCalledTimes(1)
    expect((await create('open').front(raw('https://h/../healthz', {}))).status).toBe(503)
  })
})
