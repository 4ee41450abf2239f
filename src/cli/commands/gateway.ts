import { resolveConfig } from '../../core/config/parse.ts'
import { createGateway } from '../../gateway.ts'
import { readMilliseconds, refuseOperands, requireText } from '../command-line.ts'
import { describeRevocation, GUARD_OPTIONS, revokedKeyWorksForMs } from '../config-of.ts'
import { asUsage, wrongValue } from '../errors.ts'
import { createClientAddresses, parseNetwork } from '../gateway/client-address.ts'
import { createFront } from '../gateway/front.ts'
import { startLiveGuard } from '../gateway/live-guard.ts'
import { createRequestLog } from '../gateway/request-log.ts'
import { createDecisionLog } from '../log.ts'
import { addressOptions, listen, nameAddress, readAddress, serveUntilStopped } from '../serve.ts'
import { COLOR_VARIABLES, EXIT } from '../surroundings.ts'
import type { GatewayOptions } from '../../gateway.ts'
import type { Command, CommandLine, OptionSpecs } from '../command-line.ts'
import type { EquippedConfig } from '../config-of.ts'
import type { Network } from '../gateway/client-address.ts'
import type { DecisionLog } from '../log.ts'
import type { Surroundings } from '../surroundings.ts'

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

const PORT = 8320

export const gatewayCommand: Command = {
  name: 'gateway',
  usage: '--upstream URL (--keys FILE | --config FILE) [OPTIONS]',
  summary: 'pass requests with a good key on to a server in any language',
  details: `It writes one line for each request to standard output (JSON in a pipe), with the status of the response. There is no line for /healthz and for requests that the HTTP server rejects itself, such as malformed ones.

At the start, and every ten minutes, the gateway asks the endpoint about a random key. An endpoint that allows it is not used: the gateway rejects every request until the endpoint denies such a key.

With --config, a change of the file takes effect within seconds, without a restart.

SIGTERM lets requests end, for 25 seconds; SIGINT cuts them off.`,
  environment: {
    AUTH_ENDPOINT: 'the URL of the auth endpoint, without --keys and --config',
    NODE_USE_ENV_PROXY: '1: ask the endpoint through the proxy of HTTPS_PROXY, on Node',
    ...COLOR_VARIABLES,
  },
  examples: [
    'with-auth gateway --keys keys.yaml --upstream http://127.0.0.1:8000',
    'with-auth gateway --config run.yaml --upstream http://127.0.0.1:8000',
  ],
  options: {
    upstream: { value: 'URL', help: 'the server to pass requests on to' },
    ...GUARD_OPTIONS,
    ...addressOptions(PORT),
    healthz: { help: 'answer GET /healthz here, without a key' },
    'request-id-header': {
      value: 'NAME',
      help: 'the header of the request id; one is made where it is missing',
    },
    'log-principal': { help: 'write the principal of each request into the log' },
    ...UPSTREAM_OPTIONS,
  },
  run,
}

async function run(line: CommandLine, surroundings: Surroundings): Promise<number> {
  refuseOperands(line)
  const upstream = requireText(line, 'upstream', 'URL')
  const address = readAddress(line, PORT)
  const options = readUpstreamOptions(line)
  const { addressOf, isConflicting } = createClientAddresses(readTrustedProxies(line))
  const log = createDecisionLog(surroundings, line.has('json'))
  const requestLog = createRequestLog({
    log,
    addressOf,
    requestIdHeader: line.text('request-id-header'),
    logsPrincipal: line.has('log-principal'),
  })
  const passOn = await asUsage(UPSTREAM_FLAGS, () =>
    createGateway({ upstream, ...options, clientAddress: addressOf }),
  )
  const guard = await startLiveGuard({
    line,
    surroundings,
    log,
    onEvent: requestLog.onEvent,
    passOn: requestLog.follow(passOn),
  })
  try {
    const front = createFront({
      ...guard,
      isConflicting,
      healthz: line.has('healthz'),
      requestLog,
    })
    const serving = await listen(front, address).catch(nameAddress(address))
    announce(serving.url, guard.equipped(), log, line.has('json') ? undefined : surroundings.note)
    await serveUntilStopped([serving], surroundings)
  } finally {
    guard.stop()
  }
  return EXIT.ok
}

function announce(
  url: string,
  { config, asksOver, whyFetch }: EquippedConfig,
  log: DecisionLog,
  note: ((text: string) => void) | undefined,
): void {
  const resolved = resolveConfig(config)
  const revokedKeyWorks = revokedKeyWorksForMs(resolved)
  log({ type: 'listening', url, revokedKeyWorksForMs: revokedKeyWorks, asksOver, whyFetch })
  const asking = asksOver === undefined ? '' : `; the endpoint is asked over ${asksOver}`
  note?.(`with-auth: gateway on ${url} (${describeRevocation(resolved)}${asking})\n`)
  if (whyFetch !== undefined) note?.(`with-auth: over fetch a check costs more. ${whyFetch}\n`)
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
