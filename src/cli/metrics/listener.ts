import { isIPv6 } from 'node:net'
import { parseTarget } from '../../core/request/target.ts'
import { reasonPhrase } from '../../core/runtime.ts'
import { wrongValue } from '../errors.ts'
import { isHost, listen, nameAddress } from '../serving/serve.ts'
import { EXPOSITION_TYPE, formatExposition } from './exposition.ts'
import type { CommandLine, OptionSpecs } from '../command-line.ts'
import type { DecisionLog, LogEntry } from '../log.ts'
import type { Address, Serving } from '../serving/serve.ts'
import type { Family } from './exposition.ts'

export const METRICS_OPTION: OptionSpecs = {
  metrics: {
    value: 'HOST:PORT',
    help: 'serve metrics for Prometheus on this address, at /metrics and without a key',
  },
}

/** Makes metrics of the entries of a log. */
export interface Meter {
  readonly measure: (entry: LogEntry) => void
  readonly families: () => readonly Family[]
}

export interface Metrics {
  /** A log that measures what is written to this one. */
  readonly measured: (log: DecisionLog) => DecisionLog
  /** Also listens where `--metrics` says, and closes the server if that fails. Returns all that must be closed. */
  readonly listenBeside: (serving: Serving, log: DecisionLog) => Promise<readonly Serving[]>
}

/** Reads `--metrics`. Without it nothing is measured. */
export function readMetrics(line: CommandLine, meter: Meter): Metrics {
  const text = line.text('metrics')
  if (text === undefined) {
    return { measured: (log) => log, listenBeside: (serving) => Promise.resolve([serving]) }
  }
  const address = parseAddress(text)
  return {
    measured: (log) => (entry) => {
      meter.measure(entry)
      log(entry)
    },
    listenBeside: async (serving, log) => {
      const scraped = listen((request) => answer(request, meter), address)
      const own = await scraped.catch(nameAddress(address, '--metrics')).catch(async (error) => {
        await serving.close('now')
        throw error
      })
      log({ type: 'metrics', url: `${own.url}/metrics` })
      return [serving, own]
    },
  }
}

function parseAddress(text: string): Address {
  const [, inBrackets, name, digits = ''] = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(text) ?? []
  const host = inBrackets ?? name ?? ''
  const isAddress = inBrackets === undefined ? isHost(host) : isIPv6(host)
  const port = Number(digits)
  if (isAddress && port <= 65_535) return { host, port }
  throw wrongValue('--metrics', text, 'HOST:PORT, such as 127.0.0.1:9320 or [::1]:9320')
}

function answer(request: Request, { families }: Meter): Response {
  if (parseTarget(request.url)?.path !== '/metrics') return reject(404)
  if (request.method !== 'GET' && request.method !== 'HEAD') return reject(405, 'GET, HEAD')
  const body = request.method === 'HEAD' ? null : formatExposition(families())
  const headers = { 'content-type': EXPOSITION_TYPE, 'cache-control': 'no-store' }
  return new Response(body, { headers })
}

function reject(status: number, allow?: string): Response {
  const headers = allow === undefined ? {} : { allow }
  return new Response(null, { status, statusText: reasonPhrase(status), headers })
}
