import { once } from 'node:events'
import { Agent, createServer, request as forward } from 'node:http'
import { connect, createServer as createTcpServer } from 'node:net'
import { json } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { getAuth, withAuth } from 'with-auth'

// Prints how a guard asks its endpoint, and what becomes of its callers: without the option `fetch`, and with `nodeTransport()`.

const PROGRAMS = { ways, closing, proxied, alone, attacked }
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
    const sometimes = () => (Math.random() < 0.3 ? Math.random() * 5 : undefined)
    const endpoint = await serve(closingWhenIdle(sometimes))
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

/** An endpoint that closes a connection so many milliseconds after an answer, unless it is used again. */
function closingWhenIdle(afterMs) {
  return createTcpServer((socket) => {
    let timer
    socket.on('error', () => socket.destroy())
    socket.on('data', (chunk) => {
      // Head and body may come apart.
      if (!String(chunk).includes('api_key')) return
      clearTimeout(timer)
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}')
      const ms = afterMs()
      if (ms !== undefined) timer = setTimeout(() => socket.end(), ms)
    })
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

/** Attacks on `nodeTransport()`: by interceptors of its dispatcher, and by an endpoint that closes connections at once. */
async function attacked() {
  const { Agent: Dispatcher, interceptors } = await import('undici')
  const { nodeTransport } = await import('with-auth/node')
  const by = (endpoint, dispatcher) =>
    guard({
      endpoint,
      fetch: nodeTransport(dispatcher === undefined ? {} : { dispatcher }),
      circuitBreaker: false,
    })

  /** A server that allows every token: nothing may come there. */
  let asked = 0
  const answerAll = (_request, response) => {
    asked += 1
    response.end('{}')
  }
  const location = await serve(createServer(answerAll))
  const outcomes = []
  for (const status of [301, 302, 303, 307, 308]) {
    const redirect = (_request, response) => response.writeHead(status, { location }).end()
    const endpoint = await serve(createServer(redirect))
    const following = new Dispatcher().compose(interceptors.redirect({ maxRedirections: 5 }))
    outcomes.push(await by(endpoint, following)('good'))
  }

  const answer = async (request, response) => {
    const status = (await json(request)).api_key === 'good' ? 200 : 401
    const headers = { 'cache-control': 'public, max-age=600' }
    response.writeHead(status, headers).end('{"principal":"alice"}')
  }
  const endpoint = await serve(createServer((...exchange) => void answer(...exchange)))
  const ask = by(endpoint, new Dispatcher().compose(interceptors.cache()))
  const cached = [await ask('good'), await ask('bad'), await ask('good')]

  const askClosing = by(await serve(closingWhenIdle(() => 1)))
  let rejected = 0
  const call = async (_, caller) => {
    for (let turn = 0; turn < 50; turn += 1) {
      if ((await askClosing(`${caller}.${turn}`)) !== 'allow') rejected += 1
      await sleep(turn % 3)
    }
  }
  await Promise.all(Array.from({ length: 10 }, call))
  return { redirected: { outcomes, asked }, cached, rejected }
}

async function serve(server) {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `http://127.0.0.1:${server.address().port}/`
}

function guard(config) {
  const show = (request) => new Response(getAuth(request).principal ?? 'allow')
  const guarded = withAuth(show, config)
  return async (token) => {
    const headers = { authorization: `Bearer ${token}` }
    const response = await guarded(new Request('http://api.example.test/', { headers }))
    return response.status === 200 ? response.text() : (await response.json()).error.code
  }
}
