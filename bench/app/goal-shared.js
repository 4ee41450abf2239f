// `node goal-shared.js <URL of an engine> <URL of the endpoint>` prints the microseconds of CPU of a shared allow, whole, and
// of a POST by undici.
import { Pool } from 'undici'
import { memoryCache, withAuth } from 'with-auth'
import { redisStore } from 'with-auth/redis'
import { defineVerifier } from 'with-auth/verifiers'

const TOKENS = 10_000
// Only after some rounds all of the path is optimised.
const ROUNDS = 15
const CONCURRENT = 64
const RESULT = {}
const [url, endpoint] = process.argv.slice(2)
const store = {
  url,
  shareVerdicts: true,
  secret: 'a secret of at least 32 bytes, for the bench',
  scope: 'bench',
}

function createGuard(verifier) {
  let isLive = false
  let taken = 0
  const guarded = withAuth(() => RESULT, {
    verifier: defineVerifier({ ask: verifier, id: 'bench' }),
    context: { headers: [], params: 'none', path: false },
    cache: memoryCache({
      allowTtlMs: 3_600_000,
      maxEntries: 2 * TOKENS,
      store: redisStore({ ...store, timeoutMs: 10_000 }),
      onEvent: ({ type, state }) => {
        if (type === 'store') isLive = state === 'live'
      },
    }),
    onEvent: (event) => {
      if (event.cache === 'remote') taken += 1
    },
  })
  return { guarded, isLive: () => isLive, taken: () => taken }
}

async function connect(verifier) {
  const guard = createGuard(verifier)
  await guard.guarded(createRequest('warm-up'))
  while (!guard.isLive()) await new Promise((resolve) => setTimeout(resolve, 10))
  return guard
}

function createRequest(token) {
  const value = `Bearer ${token}`
  const get = (name) => (name === 'authorization' ? value : null)
  return { url: 'http://127.0.0.1/v1/models', method: 'GET', headers: { get } }
}

/** The microseconds of CPU of each call, with so many at once. */
async function measure(call) {
  let next = 0
  const work = async () => {
    while (next < TOKENS) {
      next += 1
      await call(next)
    }
  }
  const before = process.cpuUsage()
  await Promise.all(Array.from({ length: CONCURRENT }, work))
  const { user, system } = process.cpuUsage(before)
  return (user + system) / TOKENS
}

// The connections of a store keep no process alive. A server does.
setInterval(() => undefined, 1000)

const tokenOf = (index) => `sk-good-${String(index).padStart(52, '0')}`
const first = await connect(() => ({
  outcome: 'allow',
  principal: 'ada',
  attributes: { roles: ['admin'] },
}))
await measure((index) => first.guarded(createRequest(tokenOf(index))))
// The values are on their way.
await new Promise((resolve) => setTimeout(resolve, 500))

const pool = new Pool(new URL(endpoint).origin, { connections: CONCURRENT })
const path = new URL(endpoint).pathname
const headers = { 'content-type': 'application/json' }
const post = async (index) => {
  const body = JSON.stringify({
    api_key: tokenOf(index),
    request: { path: '/v1/models', headers: {}, params: {} },
  })
  const { statusCode, body: answer } = await pool.request({ path, method: 'POST', headers, body })
  await answer.json()
  if (statusCode !== 200) throw new Error(`The endpoint answered ${statusCode}`)
}

const best = { shared: Infinity, post: Infinity }
for (let round = 0; round < ROUNDS; round += 1) {
  const other = await connect(() => ({ outcome: 'deny' }))
  const shared = await measure((index) => other.guarded(createRequest(tokenOf(index))))
  if (other.taken() !== TOKENS) throw new Error(`${other.taken()} of ${TOKENS} were shared`)
  best.shared = Math.min(best.shared, shared)
  best.post = Math.min(best.post, await measure(post))
}
console.log(JSON.stringify(best))
process.exit()
