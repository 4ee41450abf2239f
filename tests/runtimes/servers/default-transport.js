import { once } from 'node:events'
import { Agent, createServer, request as forward } from 'node:http'
import { connect, createServer as createTcpServer } from 'node:net'
import { json } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { withAuth } from 'with-auth'

// Prints how a guard without the option `fetch` asks its endpoint, and what becomes of its callers.

const PROGRAMS = { ways, closing, proxied, alone }
const [program = 'ways'] = process.argv.slice(2)
console.log(JSON.stringify(await PROGRAMS[program]()))
process.exit()

/** The way of each of three calls: Node's `fetch` sends a field that its dispatcher does not. */
async function ways() {
  const seen = []
  const endpoint = await serve(
    createServer((request, response) => {
      const { headers } = request
      const isNodes = headers['accept-encoding'] === 'identity'
      seen.push(isNodes ? ('sec-fetch-mode' in headers ? 'fetch' : 'dispatcher') : 'plain fetch')
      void json(request).then(({ api_key: key }) =>
        response.writeHead(key === 'bad' ? 401 : 200).end('{}'),
      )
    }),
  )
  const ask = guard({ endpoint })
  const outcomes = [await ask('good'), await ask('bad'), await ask('good')]
  return { seen, outcomes }
}

/** How many of 500 good callers are rejected by an endpoint that closes idle connections, by each way. */
async function closing() {
  const count = async (options) => {
    const endpoint = await serve(createTcpServer(closeWhenIdle))
    const ask = guard({ endpoint, circuitBreaker: false, ...options })
    let rejected = 0
    for (let turn = 0; turn < 50; turn += 1) {
      const tokens = Array.from({ length: 10 }, (_, index) => `token-${turn}-${index}`)
      const outcomes = await Promise.all(tokens.map(ask))
      rejected += outcomes.filter((outcome) => outcome !== 'allow').length
      await sleep(turn % 8)
    }
    return rejected
  }
  return { byFetch: await count({ fetch: (...call) => fetch(...call) }), rejected: await count({}) }
}

function closeWhenIdle(socket) {
  socket.on('error', () => socket.destroy())
  socket.on('data', (chunk) => {
    if (!String(chunk).includes('api_key')) return
    socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}')
    if (Math.random() < 0.3) setTimeout(() => socket.end(), Math.random() * 5)
  })
}

/** The outcomes for an endpoint that only the proxy of the environment can reach, and what the proxy was asked for. */
async function proxied() {
  const asked = []
  const endpoint = await serve(createServer((_request, response) => response.end('{}')))
  const { port } = new URL(endpoint)
  // Without the proxy of the environment.
  const agent = new Agent()
  const proxy = createServer((request, response) => {
    asked.push(request.method)
    const headers = { ...request.headers, host: `127.0.0.1:${port}` }
    const upstream = forward(endpoint, { method: 'POST', headers, agent }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers)
      answer.pipe(response)
    })
    request.pipe(upstream)
  })
  proxy.on('connect', (_request, socket) => {
    asked.push('CONNECT')
    const upstream = connect(Number(port), '127.0.0.1')
    socket.write('HTTP/1.1 200 OK\r\n\r\n')
    socket.on('error', () => upstream.destroy()).pipe(upstream)
    upstream.on('error', () => socket.destroy()).pipe(socket)
  })
  proxy.listen(Number(new URL(process.env.HTTP_PROXY).port), '127.0.0.1')
  await once(proxy, 'listening')
  const ask = guard({ endpoint: 'http://auth.example.test/', allowInsecureHttp: true })
  const outcomes = [await ask('one'), await ask('two')]
  return { outcomes, asked: asked.length > 0 }
}

/** The outcomes and causes for an endpoint of another process. */
async function alone() {
  const causes = []
  const onEvent = (event) => {
    if (event.type === 'decision' && event.outcome === 'deny') causes.push(event.cause)
  }
  const ask = guard({ endpoint: process.env.ENDPOINT, retry: false, onEvent })
  const outcomes = [await ask('one'), await ask('two'), await ask('three')]
  return { outcomes, causes }
}

async function serve(server) {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `http://127.0.0.1:${server.address().port}/`
}

function guard(config) {
  const guarded = withAuth(() => new Response('in'), config)
  return async (token) => {
    const headers = { authorization: `Bearer ${token}` }
    const response = await guarded(new Request('http://api.example.test/', { headers }))
    return response.status === 200 ? 'allow' : (await response.json()).error.code
  }
}
