import { HttpResponse } from 'msw'
import { describe, expect, it, vi } from 'vitest'
import { withAuth } from '../src/index.ts'
import { ENDPOINT, setupEndpoint } from './support/msw-endpoint.ts'

const API_KEY = 'valid_api_key_12345'
const SUCCESS = { message: 'Authentication successful' }

const endpoint = setupEndpoint()
const app = vi.fn(() => Response.json(SUCCESS))
// The origin asks once and never again.
const guarded = withAuth(app, { endpoint: ENDPOINT, retry: false })

async function get(headers: Record<string, string>, query = ''): Promise<Response> {
  app.mockClear()
  return guarded(new Request(`https://api.example.test/test${query}`, { headers }))
}

async function expectRefusal(response: Response, message: string): Promise<void> {
  expect(response.status).toBe(401)
  expect(await response.json()).toMatchObject({ error: { message } })
  expect(app).not.toHaveBeenCalled()
}

// By the names that they have in Llama Stack's own test_auth.py.
describe('the cases of the system that the contract comes from', () => {
  it('test_missing_auth_header', async () => {
    const response = await get({})
    await expectRefusal(response, 'Missing or invalid Authorization header')
    expect(endpoint.asked).toEqual([])
  })

  it('test_invalid_auth_header_format', async () => {
    const response = await get({ authorization: 'InvalidFormat token123' })
    await expectRefusal(response, 'Missing or invalid Authorization header')
    expect(endpoint.asked).toEqual([])
  })

  it('test_valid_authentication', async () => {
    endpoint.answer(() => new HttpResponse(null, { status: 200 }))
    const response = await get({ authorization: `Bearer ${API_KEY}` })
    expect(response.status).toBe(200)
    expect(await response.json()).toEqual(SUCCESS)
    expect(endpoint.asked).toHaveLength(1)
  })

  it('test_invalid_authentication', async () => {
    endpoint.answer(() => new HttpResponse(null, { status: 401 }))
    const response = await get({ authorization: 'Bearer invalid_api_key' })
    await expectRefusal(response, 'Authentication failed')
    expect(endpoint.asked).toHaveLength(1)
  })

  it('test_auth_service_error', async () => {
    endpoint.answer(() => HttpResponse.error())
    const response = await get({ authorization: `Bearer ${API_KEY}` })
    await expectRefusal(response, 'Authentication service error')
    expect(endpoint.asked).toHaveLength(1)
  })

  it('test_auth_request_payload', async () => {
    endpoint.answer(() => new HttpResponse(null, { status: 200 }))
    const headers = {
      authorization: `Bearer ${API_KEY}`,
      'user-agent': 'test-agent',
      'content-type': 'application/json',
    }
    const response = await get(headers, '?param1=value1&param2=value2')
    expect(response.status).toBe(200)
    // The endpoint of the tests answers at its configured URL only, and only to a POST.
    expect(endpoint.asked.map(({ body }) => body)).toEqual([
      {
        api_key: API_KEY,
        request: { path: '/test', headers, params: { param1: 'value1', param2: 'value2' } },
      },
    ])
  })
})
