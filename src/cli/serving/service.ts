import { isIPv6 } from 'node:net'
import { parseTarget } from '../../core/request/target.ts'
import { reasonPhrase } from '../../core/runtime.ts'
import { writeUses } from '../../keys/usage/recorder.ts'
import { wrongValue } from '../errors.ts'
import { createDecisionLog } from '../log.ts'
import { EXPOSITION_TYPE, formatExposition } from '../metrics/exposition.ts'
import { followKeyExpiry } from '../metrics/key-expiry.ts'
import { createMeter } from '../metrics/meters.ts'
import { createFeed } from '../watch/feed.ts'
import { readWatchPlace } from '../watch/place.ts'
import { isHost, listen, nameAddress, readAddress, serveUntilStopped } from './serve.ts'
import type { KeyPlace } from '../../keys.ts'
import type { CommandLine, OptionSpecs } from '../command-line.ts'
import type { DecisionLog } from '../log.ts'
import type { Meter } from '../metrics/meters.ts'
import type { Surroundings } from '../surroundings.ts'
import type { Feed } from '../watch/feed.ts'
import type { Address, Attach, FetchHandler, Serving } from './serve.ts'

export const METRICS_OPTION: OptionSpecs = {
  metrics: {
    value: 'HOST:PORT',
    help: 'serve metrics for Prometheus on this address, at /metrics and without a key',
  },
}

/** A command that listens. */
export interface Service {
  /** Also measures what is written to it. */
  readonly log: DecisionLog
  /** Sends a decision to its watchers. Absent without `--watch-socket`. */
  readonly watch: Feed['send'] | undefined
  /** Measures when the next of these keys expires. */
  readonly followKeys: (place: KeyPlace) => void
  /** Listens, also where `--metrics` says, calls `announce` with the URL, and serves until a stop signal. */
  readonly run: (
    handler: FetchHandler,
    announce: (url: string) => void,
    attach?: Attach,
  ) => Promise<void>
}

interface ServiceOptions {
  readonly line: CommandLine
  readonly surroundings: Surroundings
  readonly usualPort: number
  readonly name: 'gateway' | 'forward-auth' | 'endpoint'
  readonly takesSubrequests?: boolean
}

/** Reads the options of a command that listens. Without `--metrics` nothing is measured. */
export function openService(options: ServiceOptions): Service {
  const { line, surroundings, usualPort, name, takesSubrequests = false } = options
  const address = { ...readAddress(line, usualPort), takesSubrequests }
  const text = line.text('metrics')
  const scrapedAt = text === undefined ? undefined : parseAddress(text)
  const watched = line.text('watch-socket')
  const feed = watched === undefined ? undefined : openFeed(watched, options)
  const meter = scrapedAt === undefined ? undefined : createMeter(name)
  const drop = meter && (() => meter.measure({ type: 'dropped' }))
  const write = createDecisionLog(surroundings, line.has('json'), drop)
  const log: DecisionLog = (entry) => {
    meter?.measure(entry)
    write(entry)
  }
  return {
    log,
    watch: feed?.send,
    followKeys: (place) => meter?.followKeys(followKeyExpiry(place)),
    run: async (handler, announce, attach) => {
      const serving = await listen(handler, address, attach).catch(nameAddress(address))
      try {
        const others = scrapedAt && meter ? [await serveMetrics(scrapedAt, meter, log)] : []
        await feed?.listen()
        announce(serving.url)
        await serveUntilStopped([serving, ...others], surroundings)
      } finally {
        await feed?.close()
        await serving.close('now')
        await writeUses()
      }
    },
  }
}

function openFeed(text: string, { surroundings, name }: ServiceOptions): Feed {
  return createFeed(readWatchPlace('--watch-socket', text, surroundings), name)
}

function parseAddress(text: string): Address {
  const [, inBrackets, name, digits = ''] = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(text) ?? []
  const host = inBrackets ?? name ?? ''
  const isAddress = inBrackets === undefined ? isHost(host) : isIPv6(host)
  const port = Number(digits)
  if (isAddress && port <= 65_535) return { host, port }
  throw wrongValue('--metrics', text, 'HOST:PORT, such as 127.0.0.1:9320 or [::1]:9320')
}

async function serveMetrics(address: Address, meter: Meter, log: DecisionLog): Promise<Serving> {
  const serving = await listen((request) => answerScrape(request, meter), address).catch(
    nameAddress(address, '--metrics'),
  )
  log({ type: 'metrics', url: `${serving.url}/metrics` })
  return serving
}

function answerScrape({ url, method }: Request, { families }: Meter): Response {
  if (parseTarget(url)?.path !== '/metrics') return reject(404)
  if (method !== 'GET' && method !== 'HEAD') return reject(405, { allow: 'GET, HEAD' })
  const headers = { 'content-type': EXPOSITION_TYPE, 'cache-control': 'no-store' }
  return new Response(formatExposition(families()), { headers })
}

function reject(status: number, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(null, { status, statusText: reasonPhrase(status), headers })
}
