import { createReadStream } from 'node:fs'
import { parseServiceUrl } from '../../core/config/service-url.ts'
import { ENDPOINT_HEADERS } from '../../core/config/endpoint-headers.ts'
import { parse } from '../../core/config/interpreter.ts'
import { toTextOptions } from '../../yaml/parsed-file.ts'
import { checkFile } from '../check/check-file.ts'
import { describe, exitOf, repeat, toJson } from '../check/report.ts'
import { readKey, readWholeNumber, requireOperand } from '../command-line.ts'
import { examine } from '../conformance/examine.ts'
import { conclude, describeHeading, describeRow, isConformant } from '../conformance/report.ts'
import { POLICY_OPTION, policyOptions, rejectPolicyOption } from '../gateway/config-file.ts'
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
  'URL must begin with https:// or http://: it is an auth endpoint. For the providers of a run.yaml give --config FILE'
const INSECURE_IN_FILE =
  '--allow-insecure-http is for URL: set server.auth.allow_insecure_http in the file'
const MAX_WAIT_S = 3600
const SECRET_WORDS = { 'endpointHeaders.x-auth-secret': 'WITH_AUTH_ENDPOINT_SECRET' }

export const checkCommand: Command = {
  name: 'check',
  usage: 'URL | --config FILE [OPTIONS]',
  summary: 'test an auth endpoint or all of a run.yaml, and say what to change',
  details: `To an auth endpoint it sends about 20 requests, one after the other, for at most a minute: with the valid key, with wrong keys, and with invalid bodies. It stops if the endpoint is unreachable. It never prints the key.

With --config it looks at everything in the file that can be wrong before the first token: issuers and their keys, introspection clients, the cluster, the auth endpoint, the store, API keys, and rules that never apply. It prints each finding with its line. It writes nothing.

It exits with 0 without errors, with 1 with some, and with 2 for wrong usage. With --config it exits with 3 if each error is a service that did not answer.`,
  environment: {
    WITH_AUTH_KEY: 'a valid key, if --key-file is not given',
    WITH_AUTH_ENDPOINT_SECRET: 'sent in the header x-auth-secret',
    ...COLOR_VARIABLES,
  },
  examples: [
    'with-auth check https://auth.example.com/validate',
    'with-auth check http://127.0.0.1:8321/validate --key-file key.txt',
    'with-auth check --config run.yaml --wait 60',
  ],
  options: {
    // Never in an argument: every user of the machine can list those.
    'key-file': { value: 'FILE', help: 'a file that holds a valid key' },
    'timeout-ms': { value: 'MS', help: 'how long to wait for each answer', default: TIMEOUT_MS },
    'allow-insecure-http': { help: 'allow http to another machine, as URL' },
    config: { value: 'FILE', help: 'a run.yaml with server.auth, in place of URL' },
    wait: {
      value: 'SECONDS',
      help: 'with --config: try again until no error is left, for the start of a container',
    },
    ...POLICY_OPTION,
  },
  run,
}

function run(line: CommandLine, surroundings: Surroundings): Promise<number> {
  const file = line.text('config')
  return file === undefined ? runUrl(line, surroundings) : runFile(file, line, surroundings)
}

async function runFile(
  file: string,
  line: CommandLine,
  surroundings: Surroundings,
): Promise<number> {
  if (line.operands.length > 0) throw new UsageError('Give either URL or --config FILE')
  if (line.has('allow-insecure-http')) throw new UsageError(INSECURE_IN_FILE)
  const timeoutMs = readWholeNumber(line, 'timeout-ms', 1, MAX_TIMEOUT_MS) ?? TIMEOUT_MS
  const waitMs = 1000 * (readWholeNumber(line, 'wait', 1, MAX_WAIT_S) ?? 0)
  const key = await readPresentedKey(line, surroundings)
  const reading = toTextOptions(policyOptions(line))
  const { print, note, colors } = surroundings
  const found = await repeat(() => checkFile(file, { reading, timeoutMs, key }), waitMs, note)
  print(line.has('json') ? toJson(file, found) : describe(file, found, colors))
  return exitOf(found)
}

async function runUrl(line: CommandLine, surroundings: Surroundings): Promise<number> {
  rejectFileOptions(line)
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

function rejectFileOptions(line: CommandLine): void {
  rejectPolicyOption(line)
  if (line.has('wait'))
    throw new UsageError('--wait is for the file of --config: give --config FILE')
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
