// For memory.test.ts: `node --expose-gc many-tokens.js <url of the package> <count>` asks about each token once and prints
// the growth of the heap. A leaked timer would keep the program alive.
import { heap, makeRequest } from './heap.js'

const { memoryCache, withAuth } = await import(process.argv[2])

const TOKENS = Number(process.argv[3])
const WAVE = 250
const EARLY = TOKENS * 0.4
const WAVES_WITH_TWINS = 40

// Stack traces would take a third of the time.
Error.stackTraceLimit = 0

const headers = { get: () => null }
const answer = (status) => ({ status, headers, body: null })
const unreachable = () => Promise.reject(new TypeError('unreachable'))

/** Half of the tokens are valid, an eighth gets a 500, one in 32 no response, and the others are invalid. */
function fetch(_url, { body }) {
  const number = Number(JSON.parse(body).api_key.slice(3))
  if (number % 2 === 0) return Promise.resolve(answer(200))
  if (number % 32 === 1) return unreachable()
  return Promise.resolve(answer(number % 8 === 3 ? 500 : 401))
}

const requestOf = (number) =>
  makeRequest(`/v1/${number % 100}`, { authorization: `Bearer sk-${number}`, 'x-tenant': 'acme' })

const cache = memoryCache({ maxEntries: 10_000, staleIfErrorMs: 60_000 })
const guardWith = (retry) =>
  withAuth(() => 'allowed', {
    endpoint: 'https://auth.example.test/validate',
    context: { headers: ['x-tenant'], params: 'none' },
    cache,
    retry,
    fetch,
  })
const guarded = guardWith(false)
// Every wave waits for its retries, so one in twenty has them.
const retrying = guardWith({ attempts: 1 })

const counts = { allowed: 0, rejected: 0 }

async function runWave(first) {
  const numbers = Array.from({ length: WAVE }, (_, i) => first + i)
  // Concurrent identical checks share one call.
  const twins = first < WAVE * WAVES_WITH_TWINS ? numbers.slice(0, 10) : []
  const guard = (first / WAVE) % 20 === 0 ? retrying : guarded
  const results = await Promise.all([...numbers, ...twins].map((n) => guard(requestOf(n))))
  for (const result of results) counts[result === 'allowed' ? 'allowed' : 'rejected'] += 1
}

const resources = process.getActiveResourcesInfo().length
const base = await heap()
let early = 0
for (let first = 0; first < TOKENS; first += WAVE) {
  await runWave(first)
  if (first + WAVE === EARLY) early = (await heap()) - base
}
const leftResources = process.getActiveResourcesInfo().slice(resources)
const late = (await heap()) - base
cache.clear()
const cleared = (await heap()) - base
process.stdout.write(JSON.stringify({ ...counts, early, late, cleared, leftResources }))
