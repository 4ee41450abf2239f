import { checkEndpoint, checkEndpointHeaders } from '../core/endpoint-options.ts'
import { AuthConfigError } from '../core/errors.ts'
import { requireOperand } from './command.ts'
import { examine } from './conformance/examine.ts'
import { conclude, describeHeading, describeRow, isConformant } from './conformance/report.ts'
import { KEY_OPTIONS, readPresentedKey } from './presented-key.ts'
import { EXIT } from './surroundings.ts'
import { UsageError } from './usage-error.ts'
import type { CommandLine } from './command-line.ts'
import type { Command } from './command.ts'
import type { ProbeTarget } from './conformance/probe.ts'
import type { Row } from './conformance/row.ts'
import type { Surroundings } from './surroundings.ts'

const TIMEOUT_MS = 5000
const MAX_TIMEOUT_MS = 60_000

export const checkCommand: Command = {
  name: 'check',
  usage: 'URL [OPTIONS]',
  summary: 'examine an auth endpoint, and say what to change in it',
  details: `It asks some 20 questions, one after the other and for a minute at most: with a good key, with bad ones, and
with what is no question. It stops if it cannot reach the endpoint. The key comes from WITH_AUTH_KEY or a file, and is never printed.
WITH_AUTH_ENDPOINT_SECRET is sent in the header x-auth-secret, if it is set.`,
  options: {
    ...KEY_OPTIONS,
    'timeout-ms': { value: 'MS', help: `how long to wait for each answer (${TIMEOUT_MS})` },
    'allow-insecure-http': { help: 'permit http to another machine' },
  },
  run,
}

async function run(line: CommandLine, surroundings: Surroundings): Promise<number> {
  const url = readUrl(line)
  const timeoutMs = readTimeout(line)
  const key = await readPresentedKey(line, surroundings)
  const headers = readHeaders(surroundings)
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
  print(`${showUrl(target)}\n\n${describeHeading()}`)
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
  print(`${JSON.stringify({ endpoint: showUrl(target), ok: isConformant(rows), rows })}\n`)
  return rows
}

// The query may hold a secret.
function showUrl({ url }: ProbeTarget): string {
  return url.replace(/\?.*/s, '?***')
}

function readUrl(line: CommandLine): string {
  const url = requireOperand(line, 'URL')
  // Not shown: it may be a key that was given in the wrong place.
  if (!/^https?:\/\//i.test(url)) throw new UsageError('URL must begin with https:// or http://')
  try {
    return checkEndpoint(url, line.has('allow-insecure-http'))
  } catch (error) {
    if (!(error instanceof AuthConfigError)) throw error
    const inWordsOfConfig = error.message
    throw new UsageError(
      inWordsOfConfig
        .replace('"endpoint"', 'URL')
        .replace('"allowInsecureHttp": true', '--allow-insecure-http'),
    )
  }
}

function readHeaders({ env }: Pick<Surroundings, 'env'>): Readonly<Record<string, string>> {
  const secret = env['WITH_AUTH_ENDPOINT_SECRET']
  return secret === undefined ? {} : checkEndpointHeaders({ 'x-auth-secret': secret })
}

function readTimeout(line: CommandLine): number {
  const text = line.text('timeout-ms') ?? String(TIMEOUT_MS)
  const timeoutMs = /^\d{1,5}$/.test(text) ? Number(text) : 0
  if (timeoutMs >= 1 && timeoutMs <= MAX_TIMEOUT_MS) return timeoutMs
  throw new UsageError(`--timeout-ms must be a whole number from 1 to ${MAX_TIMEOUT_MS}`)
}
