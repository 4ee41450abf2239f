import { createServer } from 'node:http'
import { writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { metrics } from '@opentelemetry/api'
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus'
import { MeterProvider } from '@opentelemetry/sdk-metrics'
import { stringify } from 'yaml'
import { endpointCommand } from '../../src/cli/commands/endpoint.ts'
import { forwardAuthCommand } from '../../src/cli/commands/forward-auth.ts'
import { gatewayCommand } from '../../src/cli/commands/gateway.ts'
import { about } from '../../src/cli/conformance/questions.ts'
import { memoryCache, withAuth } from '../../src/index.ts'
import { jwt } from '../../src/jwt.ts'
import { createKey } from '../../src/keys.ts'
import { observe } from '../../src/otel.ts'
import { redisStore } from '../../src/redis.ts'
import { startEndpointWithKeys } from '../support/auth-endpoint.ts'
import { ISSUER, keyOf } from '../support/issuer.ts'
import { get } from '../support/requests.ts'
import { close, findFreePort, listen } from '../support/loopback.ts'
import { ENGINES, startEngine } from '../support/redis-servers.ts'
import { serveCommand, stopCommands } from '../support/served-command.ts'

const KEY = 'sk-alice-0123456789'
const [engineName] = ENGINES

/** One process that Prometheus scrapes, what happens to it, and the alerts that must fire. */
export interface Scene {
  readonly name: string
  readonly alerts: readonly string[]
  readonly start: () => Promise<Started>
}

export interface Started {
  readonly metrics: string
  /** Called several times in a second. */
  readonly load?: () => Promise<unknown>
  /** Called once, when Prometheus has scraped the process. */
  readonly break?: () => unknown
}

const cleanUps: (() => unknown)[] = []

async function startUpstream(): Promise<{ url: string; stop: () => Promise<unknown> }> {
  const server = createServer((_, response) => response.end('up'))
  const url = `http://127.0.0.1:${await listen(server)}`
  const stop = (): Promise<unknown> => close(server)
  cleanUps.push(stop)
  return { url, stop }
}

async function startEndpoint() {
  const endpoint = await startEndpointWithKeys({ [KEY]: 'alice' })
  cleanUps.push(endpoint.close)
  return endpoint
}

async function startGateway(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const upstream = await startUpstream()
  const flags = ['--upstream', upstream.url, '--metrics=127.0.0.1:0', ...args]
  const serving = serveCommand(gatewayCommand, flags, env)
  const url = await serving.listening()
  const call = async (key = KEY): Promise<unknown> => {
    const response = await fetch(url, { headers: { authorization: `Bearer ${key}` } })
    return response.text()
  }
  return { ...serving, upstream, call, metrics: String(serving.logged('metrics')[0]?.['url']) }
}

let turn = 0
/** Of ten keys one is wrong. */
const mixed = (call: (key?: string) => Promise<unknown>) => (): Promise<unknown> => {
  turn += 1
  return call(turn % 10 === 0 ? `sk-wrong-${turn}` : KEY)
}
const many = (count: number, call: () => Promise<unknown>) => (): Promise<unknown> =>
  Promise.all(Array.from({ length: count }, call))

/** A gateway whose file names an endpoint. */
async function startConfigured(file: string, auth: object) {
  const endpoint = await startEndpoint()
  const write = (settings: object): void =>
    writeFileSync(file, stringify({ server: { auth: { endpoint: endpoint.url, ...settings } } }))
  write(auth)
  const gateway = await startGateway(['--config', file])
  return { ...gateway, endpoint, file }
}

/** A token with a made-up signature. */
function tokenOf(issuer: string): string {
  const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url')
  const exp = Math.floor(Date.now() / 1000) + 3600
  const claims = { iss: issuer, aud: 'us', sub: 'alice', exp }
  return `${encode({ alg: 'RS256', kid: 'a' })}.${encode(claims)}.${'A'.repeat(342)}`
}

/** Serves the keys of an issuer. Returns where. */
async function startKeySet(): Promise<string> {
  const { jwk } = await keyOf('RS256', 'a')
  const server = createServer((_, response) => response.end(JSON.stringify({ keys: [jwk] })))
  const port = await listen(server)
  cleanUps.push(() => close(server))
  return `http://127.0.0.1:${port}/`
}

export const createScenes = (pathOf: (name: string) => string): readonly Scene[] => [
  {
    name: 'ordinary load',
    alerts: [],
    start: async () => {
      const { url } = await startEndpoint()
      const gateway = await startGateway([], { AUTH_ENDPOINT: url })
      return { ...gateway, load: many(3, mixed(gateway.call)) }
    },
  },
  {
    name: 'an endpoint over a file of keys',
    alerts: [],
    start: async () => {
      const file = pathOf('endpoint.yaml')
      const { key } = await createKey(file, { principal: 'alice' })
      const serving = serveCommand(endpointCommand, ['--keys', file, '--metrics=127.0.0.1:0'])
      const url = await serving.listening()
      const ask = async (): Promise<unknown> =>
        (await fetch(url, { method: 'POST', body: about(key, 'a').body })).text()
      return { metrics: String(serving.logged('metrics')[0]?.['url']), load: ask }
    },
  },
  {
    name: 'a trial during an outage',
    alerts: [],
    start: async () => {
      const gateway = await startConfigured(pathOf('shadow.yaml'), { mode: 'shadow' })
      return { ...gateway, load: gateway.call, break: () => gateway.endpoint.respondWith(503) }
    },
  },
  {
    name: 'a process that is gone',
    alerts: ['WithAuthDown'],
    start: async () => {
      const { url } = await startEndpoint()
      const gateway = await startGateway([], { AUTH_ENDPOINT: url })
      return { ...gateway, break: () => gateway.signal('SIGINT') }
    },
  },
  {
    name: 'an endpoint that fails',
    alerts: ['WithAuthKnownCallersRejected', 'WithAuthOutage'],
    start: async () => {
      const endpoint = await startEndpoint()
      const gateway = await startGateway([], { AUTH_ENDPOINT: endpoint.url })
      return { ...gateway, load: gateway.call, break: () => endpoint.respondWith(503) }
    },
  },
  ...[404, 403].map((status) => ({
    name: `an endpoint that answers ${status} to all`,
    alerts: ['WithAuthEndpointMisconfigured', 'WithAuthNobodyAllowed'],
    start: async () => {
      const endpoint = await startEndpoint()
      endpoint.respondWith(status)
      const gateway = await startGateway([], { AUTH_ENDPOINT: endpoint.url })
      return { ...gateway, load: gateway.call }
    },
  })),
  {
    name: 'guessed keys',
    alerts: ['WithAuthKeysGuessed'],
    start: async () => {
      // On a busy machine the guesses wait for each other.
      const gateway = await startConfigured(pathOf('guessed.yaml'), { timeout_ms: 60_000 })
      const guess = (): Promise<unknown> => gateway.call(`sk-guess-${(turn += 1)}`)
      return { ...gateway, load: () => Promise.all([gateway.call(), many(40, guess)()]) }
    },
  },
  {
    name: 'expired decisions',
    alerts: ['WithAuthStaleDecisions'],
    start: async () => {
      const cache = { allow_ttl_ms: 100, deny_ttl_ms: 100, stale_if_error_ms: 300_000 }
      const auth = { context: { headers: [] }, cache, circuit_breaker: false }
      const gateway = await startConfigured(pathOf('stale.yaml'), auth)
      return { ...gateway, load: gateway.call, break: () => gateway.endpoint.respondWith(503) }
    },
  },
  {
    name: 'a proxy that sets no headers',
    alerts: ['WithAuthProxyMisconfigured'],
    start: async () => {
      const { url: AUTH_ENDPOINT } = await startEndpoint()
      const flags = ['--for=nginx', '--metrics=127.0.0.1:0']
      const serving = serveCommand(forwardAuthCommand, flags, { AUTH_ENDPOINT })
      const url = await serving.listening()
      return {
        metrics: String(serving.logged('metrics')[0]?.['url']),
        load: async () => (await fetch(url)).text(),
      }
    },
  },
  {
    name: 'an upstream that is down',
    alerts: ['WithAuthUpstreamFails'],
    start: async () => {
      const { url } = await startEndpoint()
      const gateway = await startGateway([], { AUTH_ENDPOINT: url })
      return { ...gateway, load: gateway.call, break: gateway.upstream.stop }
    },
  },
  {
    name: 'a store that is lost',
    alerts: ['WithAuthStoreLost'],
    start: async () => {
      const engine = await startEngine(engineName ?? 'redis')
      const store = { url: engine.url }
      const auth = { context: { headers: [] }, cache: { allow_ttl_ms: 1000 }, store }
      const gateway = await startConfigured(pathOf('store.yaml'), auth)
      return { ...gateway, load: gateway.call, break: engine.stop }
    },
  },
  {
    name: 'a library whose revocation hangs',
    alerts: ['WithAuthRevocationPending', 'WithAuthStoreLost'],
    start: async () => {
      const port = await findFreePort()
      const exporter = new PrometheusExporter({ port, host: '127.0.0.1' })
      metrics.setGlobalMeterProvider(new MeterProvider({ readers: [exporter] }))
      const store = redisStore({ url: `redis://127.0.0.1:${await findFreePort()}` })
      const onEvent = observe()
      const cache = memoryCache({ allowTtlMs: 600_000, store, onEvent })
      const keySet = await startKeySet()
      const verifier = jwt({ issuer: ISSUER, audience: 'us', jwksUri: keySet })
      const guarded = withAuth(() => new Response('in'), { verifier, cache, onEvent })
      cleanUps.push(
        () => exporter.shutdown(),
        () => store.stop(),
      )
      const breakIt = async (): Promise<void> => {
        void cache.invalidate(KEY).catch(() => undefined)
        await guarded(get('/', tokenOf(ISSUER)))
      }
      return { metrics: `http://127.0.0.1:${port}/metrics`, break: breakIt }
    },
  },
  {
    name: 'a broken file',
    alerts: ['WithAuthReloadFailed'],
    start: async () => {
      const gateway = await startConfigured(pathOf('reload.yaml'), {})
      const spoil = (): void => writeFileSync(gateway.file, 'server: { auth: { endpoint: 5 } }')
      return { ...gateway, load: gateway.call, break: spoil }
    },
  },
  {
    name: 'keys that cannot be read, of which one was near its end',
    alerts: ['WithAuthKeyExpiresSoon', 'WithAuthKeysUnreadable'],
    start: async () => {
      const file = pathOf('keys.yaml')
      const { key } = await createKey(file, { principal: 'alice', expiresIn: '2d' })
      const gateway = await startGateway(['--keys', file])
      let isBroken = false
      // Each time in another way, so that each is reported. So seldom that it is not an outage yet.
      const spoil = async (): Promise<void> => {
        if (!isBroken) return
        await sleep(6000)
        writeFileSync(file, `keys: ${'['.repeat((turn += 1))}`)
        await gateway.call(`${key}x`)
      }
      return { ...gateway, load: spoil, break: () => void (isBroken = true) }
    },
  },
  {
    name: 'an issuer without keys',
    alerts: ['WithAuthOutage', 'WithAuthSigningKeysNotFetched'],
    start: async () => {
      const issuer = `http://127.0.0.1:${await findFreePort()}/`
      const auth = { type: 'oauth2_token', issuer, audience: 'us', jwks: { uri: `${issuer}jwks` } }
      const file = pathOf('issuer.yaml')
      writeFileSync(file, stringify({ server: { auth: { provider_config: auth } } }))
      const gateway = await startGateway(['--config', file])
      return { ...gateway, load: () => gateway.call(tokenOf(issuer)) }
    },
  },
  {
    name: 'a log that nobody reads',
    alerts: ['WithAuthLogLinesDropped'],
    start: async () => {
      const { url } = await startEndpoint()
      const gateway = await startGateway([], { AUTH_ENDPOINT: url })
      const closed = Object.assign(new Error('closed'), { code: 'EPIPE' })
      return { ...gateway, load: gateway.call, break: () => gateway.failToPrint(closed) }
    },
  },
]

export async function endScenes(): Promise<void> {
  await stopCommands()
  metrics.disable()
  await Promise.allSettled(cleanUps.map((cleanUp) => cleanUp()))
}
