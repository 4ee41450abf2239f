import { createReadStream } from 'node:fs'
import { parseServiceUrl } from '../../core/config/endpoint.ts'
import { ENDPOINT_HEADERS } from '../../core/config/endpoint-headers.ts'
import { parse } from '../../core/config/interpreter.ts'
import { readKey, readWholeNumber, requireOperand } from '../command-line.ts'
import { examine } from '../conformance/examine.ts'
import { conclude, describeHeading, describeRow, isConformant } from '../conformance/report.ts'
import { asUsage, nameFlag, UsageError } from '../errors.ts'
import { showUrl } from '../shown-value.ts'
import { COLOR_VARIABLES, EXIT, readInput } from '../surroundings.ts'
import type { Command, CommandLine } from '../command-line.ts'
import type { Row } from '../conformance/finding.ts'
import type { Surroundings } from '../surroundings.ts'

const TIMEOUT_MS = 5000
const MAX_TIMEOUT_MS = 60_000
const URL_WORDS = {
  endpoint: 'URL',
  endpointHeaders: 'WITH_AUTH_ENDPOINT_SECRET',
  allowInsecureHttp: '--allow-insecure-http',
}
const NO_URL =
  'URL must begin with https:// or http://: it is an auth endpoint. A provider of run.yaml has none to check: "with-auth config FILE" validates its settings, and the gateway asks it about a random key'
const SECRET_WORDS = { 'endpointHeaders.x-auth-secret': 'WITH_AUTH_ENDPOINT_SECRET' }

export const checkCommand: Command = {
  name: 'check',
  usage: 'URL [OPTIONS]',
  summary: 'test an auth endpoint, and say what to change in it',
  details:
    'It sends about 20 requests, one after the other, for at most a minute: with the valid key, with wrong keys, and with invalid bodies. It stops if the endpoint is unreachable. It never prints the key.',
  environment: {
    WITH_AUTH_KEY: 'a valid key, if --key-file is not given',
    WITH_AUTH_ENDPOINT_SECRET: 'sent in the header x-auth-secret',
    ...COLOR_VARIABLES,
  },
  examples: [
    'with-auth check https://auth.example.com/validate',
    'with-auth check http://127.0.0.1:8321/validate --key-file key.txt',
  ],
  options: {
    // Never in an argument: every user of the machine can list those.
    'key-file': { value: 'FILE', help: 'a file that holds a valid key' },
    'timeout-ms': { value: 'MS', help: 'how long to wait for each answer', default: TIMEOUT_MS },
    'allow-insecure-http': { help: 'allow http to another machine' },
  },
  run,
}

async function run(line: CommandLine, surroundings: Surroundings): Promise<number> {
  const url = await readUrl(line)
  const timeoutMs = readWholeNumber(line, 'timeout-ms', 1, MAX_TIMEOUT_MS) ?? TIMEOUT_MS
  const key = await readPresentedKey(line, surroundings)
  const headers = await readHeaders(surroundings)
  const { print, colors } = surroundings
  const isJson = line.has('json')
  const endpoint = showUrl(url, key)
  if (!isJson) print(`${endpoint}\n\n${describeHeading()}`)
  const printRow = (row: Row): void => print(describeRow(row, colors))
  const rows = await examine({ url, headers, timeoutMs }, key, isJson ? undefined : printRow)
  const ok = isConformant(rows)
  print(isJson ? `${JSON.stringify({ endpoint, ok, rows })}\n` : `\n${conclude(rows)}`)
  return ok ? EXIT.ok : EXIT.failed
}

async function readUrl(line: CommandLine): Promise<string> {
  const url = requireOperand(line, 'URL')
  // Not shown, because it may be a key in the wrong place.
  if (!/^https?:\/\//i.test(url)) throw new UsageError(NO_URL)
  const allowsHttp = line.has('allow-insecure-http')
  return asUsage(URL_WORDS, () => parseServiceUrl(url, ['endpoint'], allowsHttp))
}

async function readHeaders({ env }: Surroundings): Promise<Readonly<Record<string, string>>> {
  const secret = env['WITH_AUTH_ENDPOINT_SECRET']
  if (secret === undefined) return {}
  const headers = { 'x-auth-secret': secret }
  return asUsage(SECRET_WORDS, () =>
    parse<Readonly<Record<string, string>>>(ENDPOINT_HEADERS, headers, ['endpointHeaders']),
  )
}

export async function readPresentedKey(
  line: CommandLine,
  { env }: Pick<Surroundings, 'env'>,
): Promise<string | undefined> {
  const file = line.text('key-file')
  const text =
    file === undefined
      ? env['WITH_AUTH_KEY']
      : await readInput(createReadStream(file)).catch(nameFlag('--key-file', file))
  if (text === undefined) return undefined
  return readKey(text, file === undefined ? 'WITH_AUTH_KEY' : '--key-file')
}
