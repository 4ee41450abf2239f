import { createKeyEndpoint } from '../../keys.ts'
import { readWholeNumber, rejectOperands } from '../command-line.ts'
import { asUsage } from '../errors.ts'
import { KEYS_OPTION, QUESTION_MS, requireKeys, sourceOf, withKeys } from '../key-place.ts'
import { addressOptions } from '../serving/serve.ts'
import { METRICS_OPTION, openService } from '../serving/service.ts'
import { describeAnswer } from '../watch/decision.ts'
import { WATCH_OPTION } from '../watch/feed.ts'
import { WATCH_VARIABLES } from '../watch/place.ts'
import { COLOR_VARIABLES, EXIT } from '../surroundings.ts'
import type { KeyEndpointOptions } from '../../keys.ts'
import type { Command, CommandLine } from '../command-line.ts'
import type { OpenedKeys } from '../key-place.ts'
import type { Service } from '../serving/service.ts'
import type { Surroundings } from '../surroundings.ts'

const PORT = 8321
/** How long clients cache a verdict, unless `--max-age` says otherwise. */
export const MAX_AGE_SECONDS = 30
const FLAGS = { 'options.endpointSecret': 'WITH_AUTH_ENDPOINT_SECRET' }

export const endpointCommand: Command = {
  name: 'endpoint',
  usage: '--keys FILE [OPTIONS]',
  summary: 'serve the keys of a key file or a database as an auth endpoint',
  details:
    'It logs one line per answer to standard output, with the id of the key and the cause of a denial, which the client does not learn. In a pipe the lines are JSON. A change of the keys takes effect with the next request.',
  environment: {
    WITH_AUTH_ENDPOINT_SECRET: 'the value that the header x-auth-secret of each request must have',
    ...WATCH_VARIABLES,
    ...COLOR_VARIABLES,
  },
  examples: ['with-auth endpoint --keys keys.yaml --max-age 10'],
  options: {
    ...KEYS_OPTION,
    'max-age': {
      value: 'SECONDS',
      help: 'how long a client may cache a verdict',
      default: MAX_AGE_SECONDS,
    },
    ...addressOptions(PORT),
    ...METRICS_OPTION,
    ...WATCH_OPTION,
  },
  run,
}

async function run(line: CommandLine, surroundings: Surroundings): Promise<number> {
  rejectOperands(line)
  return withKeys(line, surroundings, (keys) => serve(keys, line, surroundings), {
    queryMs: QUESTION_MS,
  })
}

async function serve(
  keys: OpenedKeys,
  line: CommandLine,
  surroundings: Surroundings,
): Promise<number> {
  const service = openService({ line, surroundings, usualPort: PORT, name: 'endpoint' })
  const { log, followKeys, run: serveHandler } = service
  await requireKeys(keys)
  followKeys(keys.place)
  const options = readOptions(line, surroundings, service)
  const endpoint = await asUsage(FLAGS, () => createKeyEndpoint(sourceOf(keys.place), options))
  await serveHandler(endpoint, (url) => {
    log({ type: 'listening', url })
    if (!line.has('json')) surroundings.note(`with-auth: auth endpoint on ${url}\n`)
  })
  return EXIT.ok
}

function readOptions(
  line: CommandLine,
  { env }: Pick<Surroundings, 'env'>,
  { log, watch }: Service,
): KeyEndpointOptions {
  const endpointSecret = env['WITH_AUTH_ENDPOINT_SECRET']
  const maxAgeSeconds = readWholeNumber(line, 'max-age', 0, 3600)
  return {
    ...(endpointSecret === undefined ? {} : { endpointSecret }),
    ...(maxAgeSeconds === undefined ? {} : { maxAgeSeconds }),
    onError: ({ message }) => log({ type: 'keys_error', message }),
    onWarning: (message) => log({ type: 'warning', message }),
    onEvent: (event) => {
      watch?.(describeAnswer(event))
      const { path: _, principal: __, ...answer } = event
      log(answer)
    },
  }
}
