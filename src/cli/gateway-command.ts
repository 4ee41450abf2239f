import { withAuth } from '../core/with-auth.ts'
import { presentedToken, readRequestId, shownPath } from '../core/decision-event.ts'
import { resolveConfig } from '../core/config.ts'
import { createCredentialsReader } from '../core/credentials.ts'
import { createGateway } from '../gateway.ts'
import { createClientAddresses } from './client-address.ts'
import { asUsage, refuseOperands, requireText } from './command.ts'
import { createDecisionLog } from './decision-log.ts'
import { createEndpointProof } from './endpoint-proof.ts'
import { equipWithTransport } from './endpoint-transport.ts'
import { createFront } from './front.ts'
import { GUARD_OPTIONS, readGuardConfig, withRequestIdHeader } from './guard-config.ts'
import { createRandomKeyAsker } from './random-key.ts'
import { createRequestLog } from './request-log.ts'
import { describeRevocation, revokedKeyWorksForMs } from './revocation.ts'
import { addressOptions, listen, nameAddress, readAddress, serveUntilStopped } from './serving.ts'
import { EXIT } from './surroundings.ts'
import {
  readTrustedProxies,
  readUpstreamOptions,
  UPSTREAM_FLAGS,
  UPSTREAM_OPTIONS,
} from './upstream-options.ts'
import type { AuthConfig } from '../core/auth-config.ts'
import type { CommandLine } from './command-line.ts'
import type { Command } from './command.ts'
import type { DecisionLog } from './decision-log.ts'
import type { EndpointProof, ProofState } from './endpoint-proof.ts'
import type { EquippedConfig } from './endpoint-transport.ts'
import type { RequestLogOptions } from './request-log.ts'
import type { Surroundings } from './surroundings.ts'

const PORT = 8320

const OPEN =
  'The auth endpoint lets everybody in: it answered 200 to a key that was made up just now. ' +
  'Is its URL right, and not that of a health check or of a web page? "with-auth check URL" says more'

export const gatewayCommand: Command = {
  name: 'gateway',
  usage: '--upstream URL (--keys FILE | --config FILE) [OPTIONS]',
  summary: 'pass requests with a good key on to a server in any language',
  details: `Each request is a line on standard output (JSON in a pipe), with the status that its client got.

At the start, and every ten minutes, the gateway asks the endpoint about a random key. An endpoint that allows it is not used: the gateway rejects every request until the endpoint denies such a key.

SIGTERM lets requests end, for 25 seconds; SIGINT cuts them off.`,
  environment: {
    AUTH_ENDPOINT: 'the URL of the auth endpoint, without --keys and --config',
    NODE_USE_ENV_PROXY: '1: ask the endpoint through the proxy of HTTPS_PROXY, on Node',
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
  const given = await readGuardConfig(line, surroundings, ({ message }) =>
    log({ type: 'keys_error', message }),
  )
  const equipped = await equipWithTransport(withRequestIdHeader(given, line), surroundings)
  const { config } = equipped
  const requestLog = createRequestLog({
    log,
    addressOf,
    describe: createDescription(config),
    requestIdHeader: line.text('request-id-header'),
    logsPrincipal: line.has('log-principal'),
  })
  const { onEvent, follow } = requestLog
  const passOn = await asUsage(UPSTREAM_FLAGS, () =>
    createGateway({ upstream, ...options, clientAddress: addressOf }),
  )
  const guarded = withAuth(follow(passOn), { ...config, onEvent })
  const proof = createProof(config, log, surroundings)
  try {
    await startProof(proof, config)
    const front = createFront({
      guarded,
      proof: isShadow(config) ? { ...proof, state: () => 'proven' } : proof,
      isConflicting,
      healthz: line.has('healthz'),
      requestLog,
    })
    const serving = await listen(front, address).catch(nameAddress(address))
    announce(serving.url, equipped, log, line.has('json') ? undefined : surroundings.note)
    await serveUntilStopped([serving], surroundings)
  } finally {
    proof.stop()
  }
  return EXIT.ok
}

/** For requests that the guard does not see: it leaves out what holds the token, as the guard does. */
function createDescription(config: AuthConfig): RequestLogOptions['describe'] {
  const { credentials, tokenFormat, requestIdHeader } = resolveConfig(config)
  const readCredentials = createCredentialsReader(credentials, tokenFormat)
  return (request, path) => {
    const token = presentedToken(request, readCredentials)
    const requestId = readRequestId(request, requestIdHeader, token)
    return { path: shownPath(path, token), ...(requestId === undefined ? {} : { requestId }) }
  }
}

function createProof(
  config: AuthConfig,
  log: DecisionLog,
  { note }: Pick<Surroundings, 'note'>,
): EndpointProof {
  const onChange = (state: ProofState, cause?: string): void => {
    log({ type: 'endpoint', state, cause })
    if (state === 'open') note(`with-auth: ${OPEN}. Everybody is refused until it says no\n`)
  }
  return createEndpointProof({ ask: createRandomKeyAsker(config), onChange })
}

async function startProof(proof: EndpointProof, config: AuthConfig): Promise<void> {
  const state = await proof.start()
  if (state === 'open' && !isShadow(config)) throw new Error(OPEN)
}

// Nobody is refused then, whatever the endpoint says.
function isShadow({ mode }: AuthConfig): boolean {
  return mode === 'shadow'
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
