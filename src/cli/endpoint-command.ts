import { createKeyEndpoint, listKeys } from '../keys.ts'
import { refuseOperands, requireText } from './command.ts'
import { createDecisionLog } from './decision-log.ts'
import { addressOptions, listen, readAddress, serveUntilStopped } from './serving.ts'
import { EXIT } from './surroundings.ts'
import { UsageError } from './usage-error.ts'
import type { KeyEndpointOptions } from '../keys.ts'
import type { CommandLine } from './command-line.ts'
import type { Command } from './command.ts'
import type { DecisionLog } from './decision-log.ts'
import type { Surroundings } from './surroundings.ts'

const PORT = 8321

export const endpointCommand: Command = {
  name: 'endpoint',
  usage: '--keys FILE [OPTIONS]',
  summary: 'serve an auth endpoint over a file of keys',
  details: `Each answer is a line of JSON on standard output. A change of the file counts from the next question on.
With WITH_AUTH_ENDPOINT_SECRET set, only who sends it in the header x-auth-secret may ask.`,
  options: {
    keys: { value: 'FILE', help: 'the file of keys' },
    'max-age': { value: 'SECONDS', help: 'for how long guards may keep a verdict (30)' },
    ...addressOptions(PORT),
  },
  run,
}

async function run(line: CommandLine, surroundings: Surroundings): Promise<number> {
  refuseOperands(line)
  const file = requireText(line, 'keys', 'FILE')
  const address = readAddress(line, PORT)
  // A file that cannot be used is told now, and not with the first question.
  await listKeys(file)
  const log = createDecisionLog(surroundings, line.has('json'))
  const endpoint = createKeyEndpoint({ file }, readOptions(line, surroundings, log))
  const serving = await listen(logged(endpoint, log), address)
  log({ type: 'listening', url: serving.url })
  if (!line.has('json')) surroundings.note(`with-auth: auth endpoint on ${serving.url}\n`)
  await serveUntilStopped([serving], surroundings)
  return EXIT.ok
}

function readOptions(
  line: CommandLine,
  { env }: Pick<Surroundings, 'env'>,
  log: DecisionLog,
): KeyEndpointOptions {
  const endpointSecret = env['WITH_AUTH_ENDPOINT_SECRET']
  const maxAge = line.text('max-age')
  if (maxAge !== undefined && !/^\d{1,4}$/.test(maxAge)) {
    throw new UsageError('--max-age must be a whole number of seconds')
  }
  return {
    ...(endpointSecret === undefined ? {} : { endpointSecret }),
    ...(maxAge === undefined ? {} : { maxAgeSeconds: Number(maxAge) }),
    onError: ({ message }) => log({ type: 'keys_error', message }),
  }
}

function logged(
  endpoint: (request: Request) => Promise<Response>,
  log: DecisionLog,
): (request: Request) => Promise<Response> {
  return async (request) => {
    const startedAt = performance.now()
    const response = await endpoint(request)
    const durationMs = performance.now() - startedAt
    log({ type: 'answer', status: response.status, durationMs })
    return response
  }
}
