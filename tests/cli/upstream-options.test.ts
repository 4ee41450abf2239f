import { expect, it } from 'vitest'
import { readCommandLine } from '../../src/cli/command-line.ts'
import { readUpstreamOptions, UPSTREAM_OPTIONS } from '../../src/cli/upstream-options.ts'

function read(...args: string[]) {
  return readUpstreamOptions(readCommandLine(args, UPSTREAM_OPTIONS))
}

it('keeps the key from the upstream, unless asked', () => {
  expect(read()).toMatchObject({ forwardAuthorization: false, allowInsecureHttp: false })
  expect(read('--forward-authorization', '--allow-insecure-http')).toMatchObject({
    forwardAuthorization: true,
    allowInsecureHttp: true,
  })
})

it('reads the headers that never pass', () => {
  const { stripHeaders } = read('--strip-header', 'X-WebAuth-User', '--strip-header=x-authentik-*')
  expect(stripHeaders).toEqual(['X-WebAuth-User', 'x-authentik-*'])
  expect(read().stripHeaders).toEqual([])
})

it('reads how long to wait, and what clients know', () => {
  const options = read('--upstream-timeout-ms=250', '--public-origin=https://api.example.com')
  expect(options).toMatchObject({ timeoutMs: 250, publicOrigin: 'https://api.example.com' })
  expect(read()).not.toHaveProperty('timeoutMs')
})

it.each(['1', '3600000'])('waits for %s ms, which is still allowed', (ms) => {
  expect(read(`--upstream-timeout-ms=${ms}`)).toHaveProperty('timeoutMs', Number(ms))
})

it.each(['0', '-5', '1e3', '3600001', 'soon'])('refuses to wait for %s ms', (ms) => {
  expect(() => read(`--upstream-timeout-ms=${ms}`)).toThrow('whole number from 1 to 3600000')
})

it('takes the address of the client from the server, if it tells one', () => {
  const { clientAddress } = read()
  const request = new Request('http://h/')
  expect(clientAddress?.(request)).toBeUndefined()
  Object.defineProperty(request, 'ip', { value: 3_221_225_991, configurable: true })
  expect(clientAddress?.(request)).toBeUndefined()
  Object.defineProperty(request, 'ip', { value: '192.0.2.7' })
  expect(clientAddress?.(request)).toBe('192.0.2.7')
})
