// An instance of the built package in its own process. It sends itself a request for each token every ten milliseconds, and
// notes when the last one that was allowed began. `process.hrtime` is one clock for all processes of a machine.
import { memoryCache, withAuth } from '../../dist/index.js'
import { redisStore } from '../../dist/redis.js'

const { endpoint, tokens, store, times } = JSON.parse(process.argv[2])
const seen = new Map(tokens.map((token) => [token, { allowedAt: 0, deniedAt: 0 }]))
const states = []
let taken = 0

const now = () => Number(process.hrtime.bigint()) / 1e6

const cache = memoryCache({
  ...times,
  store: redisStore(store),
  onEvent: ({ type, state }) => type === 'store' && states.push(state),
})
const guarded = withAuth(() => new Response('in'), {
  endpoint,
  context: { headers: [], params: 'none', path: false },
  cache,
  timeoutMs: 2000,
  circuitBreaker: false,
  onEvent: (event) => {
    if (event.cache === 'remote') taken += 1
  },
})

async function send(token) {
  const begun = now()
  const authorization = `Bearer ${token}`
  const { status } = await guarded(new Request('http://h/', { headers: { authorization } }))
  return { begun, status }
}

async function request(token) {
  const { begun, status } = await send(token)
  const counts = seen.get(token)
  if (status === 200) counts.allowedAt = Math.max(counts.allowedAt, begun)
  if (status === 401) counts.deniedAt = Math.max(counts.deniedAt, begun)
}

const commands = {
  report: () => ({ seen: Object.fromEntries(seen), states, taken }),
  revoke: async (token) => {
    await (token === undefined ? cache.clear() : cache.invalidate(token))
    return now()
  },
}

async function answer({ id, command, token }) {
  try {
    process.send({ id, result: await commands[command](token) })
  } catch (error) {
    process.send({ id, error: String(error) })
  }
}

process.on('message', (message) => void answer(message))
process.on('disconnect', () => process.exit())

// The first request starts the store. Requests before it is live would only ask the endpoint.
await send('nobody')
while (!states.includes('live')) await new Promise((resolve) => setTimeout(resolve, 5))
setInterval(() => tokens.map(request), 10)
process.send({ port: 0 })
