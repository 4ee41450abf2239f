import { readMilliseconds, wrongValue } from './command.ts'
import { parseNetwork } from './networks.ts'
import type { GatewayOptions } from '../gateway.ts'
import type { CommandLine, OptionSpecs } from './command-line.ts'
import type { Network } from './networks.ts'

/** How the gateway speaks to the server behind it. */
export const UPSTREAM_OPTIONS: OptionSpecs = {
  'upstream-timeout-ms': {
    value: 'MS',
    help: 'how long the upstream may take to begin its answer',
    default: 120_000,
  },
  'forward-authorization': { help: 'pass the key on to the upstream' },
  'strip-header': {
    value: 'NAME',
    help: 'keep this header of clients from the upstream; NAME* is a prefix; may be repeated',
    isRepeatable: true,
  },
  'public-origin': { value: 'URL', help: 'what clients know the gateway as, behind TLS' },
  'trusted-proxy': {
    value: 'CIDR',
    help: 'read the address of the client from the headers of this proxy; may be repeated',
    isRepeatable: true,
  },
  'allow-insecure-http': { help: 'permit an http upstream anywhere' },
}

/** The flag for each option of `createGateway`. */
export const UPSTREAM_FLAGS: Readonly<Record<string, string>> = {
  upstream: '--upstream',
  timeoutMs: '--upstream-timeout-ms',
  stripHeaders: '--strip-header',
  publicOrigin: '--public-origin',
  allowInsecureHttp: '--allow-insecure-http',
}

export function readUpstreamOptions(line: CommandLine): Omit<GatewayOptions<[]>, 'upstream'> {
  const publicOrigin = line.text('public-origin')
  const timeoutMs = readMilliseconds(line, 'upstream-timeout-ms')
  return {
    ...(publicOrigin === undefined ? {} : { publicOrigin }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    forwardAuthorization: line.has('forward-authorization'),
    stripHeaders: line.texts('strip-header'),
    allowInsecureHttp: line.has('allow-insecure-http'),
  }
}

/** The networks whose headers say where a request comes from. */
export function readTrustedProxies(line: CommandLine): readonly Network[] {
  return line.texts('trusted-proxy').map(readNetwork)
}

function readNetwork(text: string): Network {
  const network = parseNetwork(text)
  if (network === undefined) {
    throw wrongValue('--trusted-proxy', text, 'an address or a network such as 10.0.0.0/8')
  }
  if (network.length > 0) return network
  throw wrongValue('--trusted-proxy', text, 'a network of your proxies, and not of every client')
}
