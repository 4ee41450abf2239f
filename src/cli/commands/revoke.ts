import { loadConfig } from '../../yaml.ts'
import { readKey, readWholeNumber, rejectOperands, requireText } from '../command-line.ts'
import { nameFlag, UsageError } from '../errors.ts'
import { EXIT } from '../surroundings.ts'
import type { Revocation } from '../../core/decision-store.ts'
import type { Command, CommandLine } from '../command-line.ts'
import type { Surroundings } from '../surroundings.ts'

const TIMEOUT_MS = 10_000
const MAX_TIMEOUT_MS = 3_600_000

export const revokeCommand: Command = {
  name: 'revoke',
  usage: '--config FILE [--sha256 HEX | --all] [OPTIONS]',
  summary: 'end cached decisions about a key in all instances',
  details:
    'It reads the key from standard input, and tells all instances by way of server.auth.store. Make the auth endpoint reject the key first. It ends when the store has acknowledged the revocation.',
  examples: [
    'with-auth revoke --config run.yaml < key.txt',
    'with-auth revoke --config run.yaml --all',
  ],
  options: {
    config: { value: 'FILE', help: 'a run.yaml with server.auth.store' },
    sha256: { value: 'HEX', help: 'the SHA-256 of the key, in place of the key' },
    all: { help: 'end the decisions about all keys' },
    'timeout-ms': {
      value: 'MS',
      help: 'how long to wait for the acknowledgement',
      default: TIMEOUT_MS,
    },
  },
  run,
}

async function run(line: CommandLine, surroundings: Surroundings): Promise<number> {
  rejectOperands(line)
  const file = requireText(line, 'config', 'FILE')
  const timeoutMs = readWholeNumber(line, 'timeout-ms', 1, MAX_TIMEOUT_MS) ?? TIMEOUT_MS
  const revocation = await readRevocation(line, surroundings)
  const { store } = await loadConfig(file).catch(nameFlag('--config', file))
  if (store === undefined) {
    throw new Error(`${file} has no server.auth.store: without it no instance can be told`)
  }
  let cause = 'no answer in time'
  let advice = ''
  store.start('revoke', (event) => {
    // It only says that there is no connection. The event before it has the reason.
    if (event.type === 'store' && event.cause !== 'unreachable') cause = event.cause ?? cause
    if (event.type === 'warning') advice = `. ${event.message}`
  })
  try {
    await store.invalidate(revocation, timeoutMs)
  } catch {
    throw new Error(`The store has not acknowledged the revocation (${cause})${advice}. Try again`)
  } finally {
    store.stop()
  }
  surroundings.print(line.has('json') ? '{"revoked":true}\n' : 'The store has the revocation.\n')
  return EXIT.ok
}

async function readRevocation(
  line: CommandLine,
  { readInput }: Pick<Surroundings, 'readInput'>,
): Promise<Revocation> {
  const sha256 = line.text('sha256')
  if (line.has('all')) {
    if (sha256 === undefined) return 'all'
    throw new UsageError('--all and --sha256 say different things: give only one of them')
  }
  if (sha256 === undefined) return { token: readKey(await readInput(), 'standard input') }
  if (/^[\da-f]{64}$/i.test(sha256)) return { sha256 }
  // It may be the key.
  throw new UsageError('--sha256 must be 64 hexadecimal digits (its value is not shown)')
}
