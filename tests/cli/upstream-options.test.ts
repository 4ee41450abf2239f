import { expect, it } from 'vitest'
import { readCommandLine } from '../../src/cli/command-line.ts'
import {
  readTrustedProxies,
  readUpstreamOptions,
  UPSTREAM_OPTIONS,
} from '../../src/cli/commands/gateway.ts'
import { UsageError } from '../../src/cli/errors.ts'

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

it('reads the proxies to trust, and trusts none by itself', () => {
  const given = ['--trusted-proxy', '10.0.0.0/8', '--trusted-proxy=::ffff:192.0.2.7']
  expect(readTrustedProxies(readCommandLine(given, UPSTREAM_OPTIONS))).toEqual([
    { value: 0x0a00_0000n, bits: 32, length: 8 },
    { value: 0xc000_0207n, bits: 32, length: 32 },
  ])
  expect(readTrustedProxies(readCommandLine([], UPSTREAM_OPTIONS))).toEqual([])
})

it.each([
  ['10.0.0.0/33', 'must be an address or a network such as 10.0.0.0/8'],
  ['proxy.internal', 'must be an address or a network such as 10.0.0.0/8'],
  ['0.0.0.0/0', 'must be a network of your proxies, and not of every client'],
  ['::/0', 'must be a network of your proxies, and not of every client'],
  ['::ffff:0:0/96', 'must be a network of your proxies, and not of every client'],
])('does not trust the proxy %s', (network, message) => {
  const line = readCommandLine(['--trusted-proxy', network], UPSTREAM_OPTIONS)
  expect(() => readTrustedProxies(line)).toThrow(
    new UsageError(`--trusted-proxy ${message}, received "${network}"`),
  )
})
