import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { withAuth } from '../../core/with-auth.ts'
import { reasonOf } from '../../files/system.ts'
import { createGateway } from '../../gateway.ts'
import { createKey } from '../../keys.ts'
import { rejectOperands } from '../command-line.ts'
import { configForKeys } from '../gateway/guard-config.ts'
import { createRequestLog } from '../gateway/request-log.ts'
import { createDecisionLog } from '../log.ts'
import { listen, serveUntilStopped } from '../serving/serve.ts'
import { COLOR_VARIABLES, EXIT } from '../surroundings.ts'
import type { Command, CommandLine } from '../command-line.ts'
import type { FetchHandler, Serving } from '../serving/serve.ts'
import type { Surroundings } from '../surroundings.ts'

const GATEWAY_PORT = 8320
const API_PORT = 8322
// Windows reports EACCES for its reserved ports. Deno throws its own error.
const TAKEN = new Set(['EADDRINUSE', 'EACCES', 'AddrInUse'])

export const demoCommand: Command = {
  name: 'demo',
  usage: '',
  summary: 'run a gateway in front of a small API, with a key for you',
  details:
    'It listens only on this machine. If the usual ports are in use, it picks free ones. It prints one line per decision. With --json the first line has the URLs and the key, and each decision is a line of JSON.',
  environment: COLOR_VARIABLES,
  examples: ['with-auth demo'],
  options: {},
  run,
}

async function run(line: CommandLine, surroundings: Surroundings): Promise<number> {
  rejectOperands(line)
  const folder = await mkdtemp(join(tmpdir(), 'with-auth-demo-'))
  try {
    const keys = join(folder, 'keys.yaml')
    const { key } = await createKey(keys, {
      principal: 'alice',
      attributes: { roles: ['reader'] },
    })
    const api = await listenNear(serveDemoApi, API_PORT)
    const config = await configForKeys({ place: keys, name: keys }, {})
    // People read the lines below the guide, in a pipe as well.
    const log = createDecisionLog({ ...surroundings, isTerminal: true }, line.has('json'))
    // Until then nothing is printed: the calls of the guide are its own.
    let isGuideWritten = false
    const { onEvent, answered } = createRequestLog({
      log: (entry) => isGuideWritten && log(entry),
      addressOf: () => undefined,
      requestIdHeader: undefined,
      logsPrincipal: true,
    })
    const forward = createGateway({ upstream: api.url })
    const guarded = withAuth(forward, { ...config, public: ['/'], onEvent })
    const gateway = await listenNear(async (request) => {
      const response = await guarded(request)
      answered(request, response.status)
      return response
    }, GATEWAY_PORT)
    const stopped = serveUntilStopped([gateway, api], surroundings, 0)
    surroundings.print(
      line.has('json')
        ? `${JSON.stringify({ gateway: gateway.url, api: api.url, key })}\n`
        : await writeGuide(gateway.url, api.url, key),
    )
    isGuideWritten = true
    await stopped
  } finally {
    // Meanwhile a count of its key's checks may be written there.
    await rm(folder, { recursive: true, force: true, maxRetries: 3 })
  }
  return EXIT.ok
}

async function listenNear(fetch: FetchHandler, usualPort: number): Promise<Serving> {
  const host = '127.0.0.1'
  try {
    return await listen(fetch, { host, port: usualPort })
  } catch (error) {
    if (!TAKEN.has(reasonOf(error))) throw error
    return listen(fetch, { host, port: 0 })
  }
}

async function writeGuide(gatewayUrl: string, apiUrl: string, key: string): Promise<string> {
  const url = `${gatewayUrl}/v1/me`
  return `
  gateway        ${gatewayUrl}
  API behind it  ${apiUrl}

Paste these into another terminal. Without a key:

${await showCall(url, {})}

With a wrong key:

${await showCall(url, { Authorization: 'Bearer wrong-key' })}

With the right key, which works only for this run:

${await showCall(url, { Authorization: `Bearer ${key}` })}

With that key, ${gatewayUrl}/v1/chat streams. ${gatewayUrl}/ needs no key.

Next, put the gateway in front of your own server:

  npx with-auth keys create --keys keys.yaml --principal alice > key.txt
  npx with-auth gateway --keys keys.yaml --upstream http://127.0.0.1:8000

"npx with-auth init" writes a run.yaml for an auth endpoint of your own.
Each request is a line below. Ctrl-C stops both servers.
`
}

async function showCall(url: string, headers: Readonly<Record<string, string>>): Promise<string> {
  const options = Object.entries(headers).map(([name, value]) => `-H "${name}: ${value}" `)
  const response = await fetch(url, { headers })
  return `  curl -sw "\\n%{http_code}\\n" ${options.join('')}${url}

  ${await response.text()}
  ${response.status}`
}

const WORDS = ['Hello', 'from', 'a', 'guarded', 'stream']
const PAUSE_MS = 200

/** The demo's upstream. It checks no keys and trusts the identity headers of the gateway. */
export async function serveDemoApi(request: Request): Promise<Response> {
  const { pathname } = new URL(request.url)
  if (pathname === '/') return new Response('This path is public.\n')
  if (pathname === '/v1/me') return Response.json(readIdentity(request.headers))
  if (pathname === '/v1/chat') return streamWords(request.signal)
  return new Response('Not found\n', { status: 404 })
}

function readIdentity(headers: Headers): unknown {
  const principal = decodeURIComponent(headers.get('x-auth-principal') ?? '')
  const attributes: unknown = JSON.parse(headers.get('x-auth-attributes') ?? '{}')
  return { principal, attributes }
}

function streamWords(signal: AbortSignal): Response {
  const words = WORDS[Symbol.iterator]()
  const encoder = new TextEncoder()
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { value, done } = words.next()
      if (done === true || signal.aborted) return controller.close()
      controller.enqueue(encoder.encode(`data: ${value}\n\n`))
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
    },
  })
  return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
}
