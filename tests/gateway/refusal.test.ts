import { describe, expect, it } from 'vitest'
import { createRefusal } from '../../src/gateway/refusal.ts'

describe.each([
  ['not_configured', 500, 'api_error', 'Authentication is not configured'],
  ['malformed_request', 400, 'invalid_request_error', 'Malformed request target'],
  ['method_not_allowed', 405, 'invalid_request_error', 'Method not allowed'],
  ['client_left', 499, 'invalid_request_error', 'The client disconnected'],
  ['transfer_coding_not_supported', 501, 'api_error', 'Transfer coding not supported'],
  ['upgrade_not_supported', 501, 'api_error', 'The gateway does not support WebSockets'],
  ['loop_detected', 508, 'api_error', 'The gateway forwards requests to itself'],
  ['identity_not_forwardable', 502, 'api_error', 'Authentication service error'],
  ['upstream_unreachable', 502, 'api_error', 'Upstream service error'],
  ['invalid_response', 502, 'api_error', 'Upstream service error'],
  ['upstream_timeout', 504, 'api_error', 'Upstream service error'],
] as const)('%s', (code, status, type, message) => {
  it(`is ${status}, in the shape of every refusal`, async () => {
    const response = createRefusal(code)
    expect(response.status).toBe(status)
    expect(response.headers.get('content-type')).toBe('application/json')
    expect(response.headers.get('cache-control')).toBe('no-store')
    const allowed = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS'
    expect(response.headers.get('allow')).toBe(status === 405 ? allowed : null)
    expect(await response.json()).toEqual({ error: { message, type, code } })
  })
})
