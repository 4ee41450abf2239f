import { createAnswers } from '../../forward-auth/answer.ts'
import { createFailureResponse } from '../../forward-auth/failure.ts'
import { completeConfig, resolveForwardAuth } from '../../forward-auth/options.ts'
import { PROXIES } from '../../forward-auth/preset.ts'
import { createReceiver } from '../../forward-auth/receive.ts'
import { followPassage } from '../../gateway/passage.ts'
import { rejectOperands } from '../command-line.ts'
import { asUsage, UsageError } from '../errors.ts'
import { createSubrequestFront } from '../gateway/front.ts'
import { GUARD_OPTIONS } from '../gateway/guard-config.ts'
import { createRequestLog } from '../gateway/request-log.ts'
import { serveGuard } from '../gateway/serve-guard.ts'
import { addressOptions } from '../serving/serve.ts'
import { METRICS_OPTION, openService } from '../serving/service.ts'
import { COLOR_VARIABLES, EXIT } from '../surroundings.ts'
import { findTracing } from '../tracing.ts'
import type { ResolvedForwardAuth } from '../../forward-auth/options.ts'
import type { Command, CommandLine } from '../command-line.ts'
import type { Surroundings } from '../surroundings.ts'

const PORT = 8323
const NAME = 'forward-auth'
const CHOICES = PROXIES.join('|')

export const forwardAuthCommand: Command = {
  name: NAME,
  usage: '--for PROXY [--keys FILE | --config FILE] [OPTIONS]',
  summary: 'decide about the requests of a reverse proxy that you already run',
  details: `The proxy asks in a subrequest, and passes the request on after a 200. The examples folder has a configuration for each proxy. Let only the proxy reach the address: whoever does can test keys.

It logs one line per subrequest to standard output, with the method and the path of the client's request. In a pipe the lines are JSON. It does not log /healthz. A line "failure" names headers that the proxy must set.

At startup and every ten minutes, it asks the auth endpoint about a random key. If the endpoint allows that key at startup, the command does not start. Later it rejects every request until the endpoint denies a random key.

With --config, a change of the file takes effect within seconds.

SIGTERM lets open subrequests finish for up to 25 seconds. SIGINT cuts them off.`,
  environment: {
    AUTH_ENDPOINT: 'the URL of the auth endpoint, if neither --keys nor --config is given',
    NODE_USE_ENV_PROXY: '1: call the auth endpoint through HTTPS_PROXY, on Node',
    ...COLOR_VARIABLES,
  },
  examples: [
    'with-auth forward-auth --for nginx --keys keys.yaml --raw-targets',
    'with-auth forward-auth --for caddy --config run.yaml --healthz',
  ],
  options: {
    for: {
      value: CHOICES,
      help: 'the proxy, which decides the names of the headers',
      isRepeatable: true,
    },
    ...GUARD_OPTIONS,
    ...addressOptions(PORT),
    healthz: { help: 'answer GET /healthz without a key, if no proxy sends it' },
    'raw-targets': {
      help: 'allow targets such as /a%2fb: the proxy passes on exactly what it told, as in the examples',
    },
    'log-principal': { help: 'log the principal of each request' },
    ...METRICS_OPTION,
  },
  run,
}

async function run(line: CommandLine, surroundings: Surroundings): Promise<number> {
  rejectOperands(line)
  const options = await readOptions(line)
  const { receive, addressOf } = createReceiver(options)
  const answers = createAnswers(options)
  const service = openService({
    line,
    surroundings,
    usualPort: PORT,
    name: NAME,
    takesSubrequests: true,
  })
  const { log } = service
  const requestLog = createRequestLog({
    log,
    addressOf,
    requestIdHeader: undefined,
    logsPrincipal: line.has('log-principal'),
    beginSpan: findTracing(surroundings),
  })
  const { preset } = options
  const parts = { preset, receive, answers, healthz: line.has('healthz'), requestLog, log }
  await serveGuard(service, {
    name: NAME,
    line,
    surroundings,
    onEvent: requestLog.onEvent,
    complete: completeConfig,
    addressFor: () => addressOf,
    passOn: async (request, auth) => {
      const answer = answers.allow(auth)
      if (answer instanceof Response) return answer
      followPassage(request).failure = answer
      return createFailureResponse(answer)
    },
    createFront: (guard) => createSubrequestFront({ ...guard, ...parts }),
  })
  return EXIT.ok
}

async function readOptions(line: CommandLine): Promise<ResolvedForwardAuth> {
  const [proxy, second] = line.texts('for')
  if (proxy === undefined || second !== undefined) {
    throw new UsageError(`--for must be given once: ${CHOICES}`)
  }
  return asUsage({ for: '--for' }, () =>
    resolveForwardAuth({ for: proxy, rawTargets: line.has('raw-targets') }),
  )
}
