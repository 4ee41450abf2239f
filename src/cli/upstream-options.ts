import { readMilliseconds } from './command.ts'
import type { GatewayOptions } from '../gateway.ts'
import type { CommandLine, OptionSpecs } from './command-line.ts'

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
    clientAddress: addressOf,
  }
}

/** The server that the command runs on tells the address with the request. */
function addressOf(request: Request): string | undefined {
  return 'ip' in request && typeof request.ip === 'string' ? request.ip : undefined
}
