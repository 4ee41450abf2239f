import { createHandler } from '../../gateway/handler.ts'
import { resolveGateway } from '../../gateway/options.ts'
import { passWebSockets } from '../../node.ts'
import { createConnections } from '../../node/sockets/direct.ts'
import { parseNetwork } from '../../verifiers/upstream/address.ts'
import { pickTexts, readWholeNumber, rejectOperands, requireText } from '../command-line.ts'
import { addressFor, GUARD_OPTIONS, withRequestIdHeader } from '../gateway/guard-config.ts'
import { asUsage, wrongValue } from '../errors.ts'
import { createClientAddresses } from '../gateway/client-address.ts'
import { allowOrigins, readOrigin } from '../gateway/cors.ts'
import { createFront } from '../gateway/front.ts'
import { createRequestLog } from '../gateway/request-log.ts'
import { serveGuard } from '../gateway/serve-guard.ts'
import { addressOptions } from '../serving/serve.ts'
import { METRICS_OPTION, openService } from '../serving/service.ts'
import { WATCH_OPTION } from '../watch/feed.ts'
import { WATCH_VARIABLES } from '../watch/place.ts'
import { COLOR_VARIABLES, EXIT } from '../surroundings.ts'
import { findTracing } from '../tracing.ts'
import type { GatewayOptions } from '../../gateway.ts'
import type { Network } from '../../verifiers/upstream/address.ts'
import type { Command, CommandLine, OptionSpecs } from '../command-line.ts'
import type { Surroundings } from '../surroundings.ts'

const UPSTREAM_OPTIONS: OptionSpecs = {
  'upstream-timeout-ms': {
    value: 'MS',
    help: 'how long the upstream may take to start its response',
    default: 600_000,
  },
  'forward-authorization': { help: 'forward the key to the upstream' },
  'identity-encoding': {
    value: 'FORM',
    help: 'utf-8: write names as they are, for an upstream that decodes no percent signs, such as OGX',
    default: 'percent',
  },
  'strip-header': {
    value: 'NAME',
    help: 'remove this client header before the upstream; NAME* is a prefix; may be repeated',
    isRepeatable: true,
  },
  'public-origin': { value: 'URL', help: 'the origin that clients use, if a proxy terminates TLS' },
  'preserve-host': {
    help: 'send the Host of the client to the upstream, instead of the host of --upstream',
  },
  'trusted-proxy': {
    value: 'CIDR',
    help: 'trust the Forwarded headers of this proxy; may be repeated',
    isRepeatable: true,
  },
  'allow-insecure-http': { help: 'allow an http upstream on another machine' },
}

const UPSTREAM_FLAGS: Readonly<Record<string, string>> = {
  upstream: '--upstream',
  timeoutMs: '--upstream-timeout-ms',
  stripHeaders: '--strip-header',
  publicOrigin: '--public-origin',
  allowInsecureHttp: '--allow-insecure-http',
  'sign.secret': 'WITH_AUTH_SIGN_SECRET',
}

const PORT = 8320

export const gatewayCommand: Command = {
  name: 'gateway',
  usage: '--upstream URL [--keys FILE | --config FILE] [OPTIONS]',
  summary: 'forward requests with a valid key to a server in any language',
  details: `The gateway serves plain HTTP. Put a TLS-terminating proxy in front.

It logs one line per request to standard output, with the status of the response. In a pipe the lines are JSON. It does not log /healthz, preflights of --cors-origin, or malformed requests, which the HTTP server rejects.

At startup and every ten minutes, the gateway asks the auth endpoint about a random key. If the endpoint allows that key at startup, the gateway does not start. Later it rejects every request until the endpoint denies a random key.

With --config, a change of the file takes effect within seconds.

WebSockets pass on Node.

SIGTERM lets open requests and WebSockets finish for up to 25 seconds. SIGINT cuts them off.`,
  environment: {
    AUTH_ENDPOINT: 'the URL of the auth endpoint, if neither --keys nor --config is given',
    WITH_AUTH_SIGN_SECRET:
      'sign identities for an upstream that verifies X-Auth-Signature: one secret for each upstream, 16 to 1024 characters. Of several with blanks between them the first signs',
    NODE_USE_ENV_PROXY: '1: call the auth endpoint through HTTPS_PROXY, on Node',
    ...WATCH_VARIABLES,
    ...COLOR_VARIABLES,
  },
  examples: [
    'with-auth gateway --keys keys.yaml --upstream http://127.0.0.1:8000',
    'with-auth gateway --config run.yaml --upstream http://127.0.0.1:8000',
  ],
  options: {
    upstream: { value: 'URL', help: 'the server that gets the requests' },
    ...GUARD_OPTIONS,
    ...addressOptions(PORT),
    'cors-origin': {
      value: 'ORIGIN',
      help: 'let pages of this origin call the gateway; answers their preflights; may be repeated',
      isRepeatable: true,
    },
    healthz: { help: 'answer GET /healthz without a key' },
    'request-id-header': {
      value: 'NAME',
      help: 'the header of the request id; the gateway creates a missing id',
    },
    'log-principal': { help: 'log the principal of each request' },
    ...METRICS_OPTION,
    ...WATCH_OPTION,
    ...UPSTREAM_OPTIONS,
  },
  run,
}

async function run(line: CommandLine, surroundings: Surroundings): Promise<number> {
  rejectOperands(line)
  const upstream = requireText(line, 'upstream', 'URL')
  const service = openService({ line, surroundings, usualPort: PORT, name: 'gateway' })
  const options = readUpstreamOptions(line)
  const origins = line.texts('cors-origin').map(readOrigin)
  const { addressOf, isConflicting } = createClientAddresses(
    line.texts('trusted-proxy').map(readNetwork),
  )
  const requestLog = createRequestLog({
    log: service.log,
    watch: service.watch,
    addressOf,
    requestIdHeader: line.text('request-id-header'),
    logsPrincipal: line.has('log-principal'),
    beginSpan: findTracing(surroundings),
  })
  const passOn = await asUsage(UPSTREAM_FLAGS, () =>
    createHandler(
      resolveGateway({
        upstream,
        ...options,
        ...readSign(surroundings.env['WITH_AUTH_SIGN_SECRET']),
        clientAddress: addressOf,
      }),
      createConnections(),
    ),
  )
  const parts = { isConflicting, healthz: line.has('healthz'), requestLog }
  await serveGuard(service, {
    name: 'gateway',
    line,
    surroundings,
    onEvent: requestLog.onEvent,
    complete: (config) => withRequestIdHeader(config, line),
    addressFor: (config) => addressFor(config, addressOf),
    passOn: requestLog.follow(passOn),
    createFront: (guard) => allowOrigins(origins, createFront({ ...guard, ...parts })),
    attach: passWebSockets,
  })
  return EXIT.ok
}

function readUpstreamOptions(line: CommandLine): Omit<GatewayOptions<[]>, 'upstream'> {
  const timeoutMs = readWholeNumber(line, 'upstream-timeout-ms')
  const encoding = line.text('identity-encoding')
  return {
    ...pickTexts(line, { publicOrigin: 'public-origin' }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    preserveHost: line.has('preserve-host'),
    ...(encoding === undefined ? {} : { identityHeaders: { encoding: readEncoding(encoding) } }),
    forwardAuthorization: line.has('forward-authorization'),
    stripHeaders: line.texts('strip-header'),
    allowInsecureHttp: line.has('allow-insecure-http'),
  }
}

function readEncoding(text: string): 'percent' | 'utf-8' {
  if (text === 'percent' || text === 'utf-8') return text
  throw wrongValue('--identity-encoding', text, 'percent or utf-8')
}

// A variable that is set and empty is an error: without a signature the upstream would reject every request.
function readSign(secrets: string | undefined): Pick<GatewayOptions<[]>, 'sign'> {
  return secrets === undefined ? {} : { sign: { secret: secrets.split(' ') } }
}

function readNetwork(text: string): Network {
  const network = parseNetwork(text)
  if (network !== undefined && network.length > 0) return network
  const isMalformed = network === undefined
  const allowed = isMalformed
    ? 'an address or a network such as 10.0.0.0/8'
    : 'the network of your proxies, not every network'
  throw wrongValue('--trusted-proxy', text, allowed)
}
