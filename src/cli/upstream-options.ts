import { readMilliseconds } from './command.ts'
import { parseNetwork } from './networks.ts'
import { UsageError } from './usage-error.ts'
import type { GatewayOptions } from '../gateway.ts'
import type { CommandLine, OptionSpecs } from './command-line.ts'
import type { Network } from './networks.ts'

/** How the gateway speaks to the server behind it. */
export const UPSTREAM_OPTIONS: OptionSpecs = {
  'upstream-timeout-ms': {
    value: 'MS',
    help: 'how long the upstream may take to begin its answer (120000)',
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
  const given = `--trusted-proxy ${JSON.stringify(text.slice(0, 64))}`
  if (network === undefined) {
    throw new UsageError(`${given} must be an address or a network, such as 10.0.0.0/8`)
  }
  if (network.length > 0) return network
  throw new UsageError(`${given} would trust every client: name the networks of your proxies`)
}
