import { connect } from 'node:net'
import { withAuthRoutes } from 'with-auth/bun'

/**
 * Serves generated tables of routes twice, guarded and as they are, and sends both the same targets. Prints how often the
 * guarded handler ran, how often the request was rejected, and each case in which the two differ.
 */

const counts = { ran: 0, rejected: 0, notFound: 0, differ: [] }
const config = { verifier: () => ({ outcome: 'allow' }), context: { headers: [] } }
const HEAD = 'HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer k1\r\nConnection: close\r\n\r\n'

let state = Number(process.argv[2])

// A linear congruential generator: the same seed gives the same tables.
function pick(...choices) {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0
  return choices[Math.floor((state / 2 ** 32) * choices.length)]
}

function list(most, make) {
  return Array.from({ length: pick(...Array(most).keys()) + 1 }, make)
}

function makePattern() {
  const segments = list(3, (_, index) => pick('a', 'b', 'a', `:p${index}`, 'a%2Fb'))
  const end = pick('', '', '/', '/*')
  return pick('/', '/*', `/${segments.join('/')}${end}`, `/${segments.join('/')}${end}`)
}

function makeTable() {
  const shapes = new Map()
  for (const pattern of list(8, makePattern)) shapes.set(pattern.replace(/:\w+/g, ':'), pattern)
  const respond = (pattern, method) => (request) => {
    const found = JSON.stringify([pattern, method, request.params])
    return new Response(found, { headers: { 'x-found': found } })
  }
  const routes = [...shapes.values()].map((pattern) => {
    const methods = pick([], [], ['GET'], ['POST'], ['GET', 'POST'], ['HEAD'])
    if (methods.length === 0) return [pattern, respond(pattern, 'any')]
    return [pattern, Object.fromEntries(methods.map((name) => [name, respond(pattern, name)]))]
  })
  return Object.fromEntries(routes)
}

function makeTarget() {
  return `/${list(6, () => pick('a', 'b', 'c', '..', '.', '%2e%2e', '', '%61', 'a%2Fb')).join('/')}`
}

// Bun resolves the dots of a target, and the guard decodes its letters.
function resolve(target) {
  return new URL(`http://h${target}`).pathname.replaceAll('%61', 'a')
}

function ask(port, method, target) {
  return new Promise((done) => {
    let received = ''
    const socket = connect(port, '127.0.0.1', () => socket.write(`${method} ${target} ${HEAD}`))
    socket.setEncoding('latin1')
    socket.on('data', (chunk) => {
      received += chunk
    })
    socket.on('close', () => {
      const status = Number(received.split(' ')[1])
      done({ status, found: /^x-found: (.*)\r$/im.exec(received)?.[1] })
    })
  })
}

async function compare(guarded, plain, method, target) {
  const got = await ask(guarded.port, method, target)
  const wanted = await ask(plain.port, method, resolve(target))
  if (got.status === 400) {
    counts.rejected += 1
    // A target that is canonical is never rejected.
    return target !== resolve(target)
  }
  counts[got.status === 404 ? 'notFound' : 'ran'] += 1
  // Bun may find a route for the path alone. No handler runs then.
  return got.status === 404 || got.found === wanted.found
}

async function compareTable(routes) {
  const options = { hostname: '127.0.0.1', port: 0, fetch: () => new Response('', { status: 404 }) }
  const guarded = Bun.serve({ ...options, routes: withAuthRoutes(routes, config) })
  const plain = Bun.serve({ ...options, routes })
  for (let target = 0; target < 30; target += 1) {
    const [method, path] = [pick('GET', 'GET', 'POST', 'HEAD', 'PUT'), makeTarget()]
    const isSame = await compare(guarded, plain, method, path)
    if (!isSame) counts.differ.push({ routes: Object.keys(routes), method, path })
  }
  await Promise.all([guarded.stop(true), plain.stop(true)])
}

for (let table = 0; table < 150; table += 1) await compareTable(makeTable())
console.log(JSON.stringify(counts))
