import { createReadStream } from 'node:fs'
import { checkEndpoint, checkEndpointHeaders } from '../../core/config/endpoint.ts'
import { readKey, readMilliseconds, requireOperand } from '../command-line.ts'
import { examine } from '../conformance/examine.ts'
import { conclude, describeHeading, describeRow, isConformant } from '../conformance/report.ts'
import { asUsage, nameFlag, UsageError } from '../errors.ts'
import { showUrl } from '../shown-value.ts'
import { COLOR_VARIABLES, EXIT, readInput } from '../surroundings.ts'
import type { Command, CommandLine, OptionSpecs } from '../command-line.ts'
import type { Row } from '../conformance/finding.ts'
import type { ProbeTarget } from '../conformance/probe.ts'
import type { Surroundings } from '../surroundings.ts'

/** How a key is given to a command: never in its arguments, which every user of the machine can list. */
export const KEY_OPTIONS: OptionSpecs = {
  'key-file': { value: 'FILE', help: 'a file with a good key' },
}

const TIMEOUT_MS = 5000
const MAX_TIMEOUT_MS = 60_000
const URL_WORDS = {
  endpoint: 'URL',
  endpointHeaders: 'WITH_AUTH_ENDPOINT_SECRET',
  allowInsecureHttp: '--allow-insecure-http',
}
const SECRET_WORDS = { 'endpointHeaders.x-auth-secret': 'WITH_AUTH_ENDPOINT_SECRET' }

export const checkCommand: Command = {
  name: 'check',
  usage: 'URL [OPTIONS]',
  summary: 'examine an auth endpoint, and say what to change in it',
  details:
    'It asks some 20 questions, one after the other and for a minute at most: with a good key, with bad ones, and with invalid questions. It stops if it cannot reach the endpoint. The key is never printed.',
  environment: {
    WITH_AUTH_KEY: 'a good key, without --key-file',
    WITH_AUTH_ENDPOINT_SECRET: 'is sent in the header x-auth-secret',
    ...COLOR_VARIABLES,
  },
  examples: [
    'with-auth check https://auth.example.com/validate',
    'with-auth check http://127.0.0.1:8321/validate --key-file key.txt',
  ],
  options: {
    ...KEY_OPTIONS,
    'timeout-ms': { value: 'MS', help: 'how long to wait for each answer', default: TIMEOUT_MS },
    'allow-insecure-http': { help: 'permit http to another machine' },
  },
  run,
}

async function run(line: CommandLine, surroundings: Surroundings): Promise<number> {
  const url = await readUrl(line)
  const timeoutMs = readMilliseconds(line, 'timeout-ms', MAX_TIMEOUT_MS) ?? TIMEOUT_MS
  const key = await readPresentedKey(line, surroundings)
  const headers = await readHeaders(surroundings)
  const target = { url, headers, timeoutMs }
  const rows = line.has('json')
    ? await printJson(target, key, surroundings)
    : await printTable(target, key, surroundings)
  return isConformant(rows) ? EXIT.ok : EXIT.failed
}

async function printTable(
  target: ProbeTarget,
  key: string | undefined,
  { print, colors }: Surroundings,
): Promise<readonly Row[]> {
  print(`${showUrl(target.url, key)}\n\n${describeHeading()}`)
  const rows = await examine(target, key, (row) => print(describeRow(row, colors)))
  print(`\n${conclude(rows)}`)
  return rows
}

async function printJson(
  target: ProbeTarget,
  key: string | undefined,
  { print }: Surroundings,
): Promise<readonly Row[]> {
  const rows = await examine(target, key)
  const endpoint = showUrl(target.url, key)
  print(`${JSON.stringify({ endpoint, ok: isConformant(rows), rows })}\n`)
  return rows
}

async function readUrl(line: CommandLine): Promise<string> {
  const url = requireOperand(line, 'URL')
  // Not shown: it may be a key that was given in the wrong place.
  if (!/^https?:\/\//i.test(url)) throw new UsageError('URL must begin with https:// or http://')
  return asUsage(URL_WORDS, () => checkEndpoint(url, line.has('allow-insecure-http')))
}

async function readHeaders({
  env,
}: Pick<Surroundings, 'env'>): Promise<Readonly<Record<string, string>>> {
  const secret = env['WITH_AUTH_ENDPOINT_SECRET']
  if (secret === undefined) return {}
  return asUsage(SECRET_WORDS, () => checkEndpointHeaders({ 'x-auth-secret': secret }))
}

/** The good key, if there is one. Throws `UsageError` for what cannot be a key, without showing it. */
export async function readPresentedKey(
  line: CommandLine,
  { env }: Pick<Surroundings, 'env'>,
): Promise<string | undefined> {
  const file = line.text('key-file')
  const text = file === undefined ? env['WITH_AUTH_KEY'] : await readKeyFile(file)
  if (text === undefined) return undefined
  return readKey(text, file === undefined ? 'WITH_AUTH_KEY' : '--key-file')
}

function readKeyFile(file: string): Promise<string> {
  return readInput(createReadStream(file)).catch(nameFlag('--key-file', file))
}
