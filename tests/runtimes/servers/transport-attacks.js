import { once } from 'node:events'
import { createServer } from 'node:http'
import { createServer as createTcpServer } from 'node:net'
import { json } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { Agent, interceptors } from 'undici'
import { withAuth } from 'with-auth'
import { nodeTransport } from 'with-auth/node'

// Prints the outcome of each attack on `nodeTransport()`: by interceptors of its dispatcher, and by an endpoint that
// closes its connections as soon as they are idle.

const servers = []

console.log(
  JSON.stringify({
    redirected: await followRedirects(),
    cached: await askThroughCache(),
    rejected: await countRejected(),
  }),
)
for (const server of servers) server.close()
process.exit()

async function serve(server) {
  servers.push(server.listen(0, '127.0.0.1'))
  await once(server, 'listening')
  return `http://127.0.0.1:${server.address().port}/`
}

function guard(endpoint, dispatcher) {
  const options = dispatcher === undefined ? {} : { dispatcher }
  const guarded = withAuth(() => new Response('in'), {
    endpoint,
    fetch: nodeTransport(options),
    circuitBreaker: false,
  })
  return async (token) => {
    const headers = { authorization: `Bearer ${token}` }
    const response = await guarded(new Request('http://api.example.test/', { headers }))
    return response.status === 200 ? 'allow' : (await response.json()).error.code
  }
}

/** The outcome of each redirect to a server that allows every token, and how often that server was asked. */
async function followRedirects() {
  let asked = 0
  const location = await serve(
    createServer((_request, response) => {
      asked += 1
      response.end('{}')
    }),
  )
  const outcomes = []
  for (const status of [301, 302, 303, 307, 308]) {
    const answer = (_request, response) => response.writeHead(status, { location }).end()
    const endpoint = await serve(createServer(answer))
    const redirect = interceptors.redirect({ maxRedirections: 5 })
    outcomes.push(await guard(endpoint, new Agent().compose(redirect))('good'))
  }
  return { outcomes, asked }
}

/** The outcomes of three tokens in turn, where each answer says that it may be cached. */
async function askThroughCache() {
  const answer = async (request, response) => {
    const status = (await json(request)).api_key === 'good' ? 200 : 401
    response.writeHead(status, { 'cache-control': 'public, max-age=600' }).end('{}')
  }
  const endpoint = await serve(createServer((...exchange) => void answer(...exchange)))
  const ask = guard(endpoint, new Agent().compose(interceptors.cache()))
  return [await ask('good'), await ask('bad'), await ask('good')]
}

/** How many of 500 good callers are rejected. */
async function countRejected() {
  const endpoint = await serve(createTcpServer(closeWhenIdle))
  const ask = guard(endpoint)
  let rejected = 0
  const call = async (_, caller) => {
    for (let turn = 0; turn < 50; turn += 1) {
      if ((await ask(`${caller}.${turn}`)) !== 'allow') rejected += 1
      await sleep(turn % 3)
    }
  }
  await Promise.all(Array.from({ length: 10 }, call))
  return rejected
}

function closeWhenIdle(socket) {
  let timer
  socket.on('error', () => undefined)
  socket.on('data', (chunk) => {
    // undici may write head and body apart.
    if (!chunk.includes('api_key')) return
    clearTimeout(timer)
    socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}')
    timer = setTimeout(() => socket.end(), 1)
  })
}
