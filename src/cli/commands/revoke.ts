import { announce, ANNOUNCE_MS, loadStore } from '../announcement.ts'
import { readKey, readWholeNumber, rejectOperands, requireText } from '../command-line.ts'
import { UsageError } from '../errors.ts'
import { EXIT } from '../surroundings.ts'
import type { Revocation } from '../../core/seams.ts'
import type { Command, CommandLine } from '../command-line.ts'
import type { Surroundings } from '../surroundings.ts'

const MAX_TIMEOUT_MS = 3_600_000

export const revokeCommand: Command = {
  name: 'revoke',
  usage: '--config FILE [--sha256 HEX | --all] [OPTIONS]',
  summary: 'end cached decisions about a key in all instances',
  details:
    'It reads the key from standard input, and tells all instances by way of server.auth.store. Make the auth endpoint reject the key first. It ends when the store has acknowledged the revocation. A JSON Web Token is only checked again: it works until it ends by itself.',
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
      default: ANNOUNCE_MS,
    },
  },
  run,
}

async function run(line: CommandLine, surroundings: Surroundings): Promise<number> {
  rejectOperands(line)
  const file = requireText(line, 'config', 'FILE')
  const timeoutMs = readWholeNumber(line, 'timeout-ms', 1, MAX_TIMEOUT_MS) ?? ANNOUNCE_MS
  const revocation = await readRevocation(line, surroundings)
  const store = await loadStore(file)
  await announce(store, [revocation], 'Try again', timeoutMs)
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
