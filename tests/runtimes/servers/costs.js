import process from 'node:process'
import { memoryCache, withAuth } from 'with-auth'

// Prints the time of a hit, a miss and a rejection as multiples of what a gate by hand takes for the same requests.

const ROUNDS = 200
const WARM_UP_ROUNDS = 150
// So few that they stay in the caches of the processor, as one request on its way does.
const BATCH = 50
const RESULT = new Response('hello')
const handler = () => RESULT
const TARGET = 'http://127.0.0.1:3000/v1/models'

const manyTokens = Array.from({ length: 10_000 }, (_, index) => `sk-${index}`.padEnd(60, '0'))
const hotToken = manyTokens.slice(0, 1)
const tokenOnly = { headers: [], params: 'none', path: false }
const told = { headers: ['x-tenant'], params: 'values', path: true }

let turn = 0

function createRequest(token) {
  const headers = { 'x-tenant': 'acme', ...(token && { authorization: `Bearer ${token}` }) }
  return new Request(TARGET, { headers })
}

function oneOf(tokens) {
  turn += 37
  return createRequest(tokens[turn % tokens.length])
}

function reject() {
  const headers = { 'content-type': 'application/json', 'www-authenticate': 'Bearer realm="api"' }
  return new Response(JSON.stringify({ error: { message: 'No token' } }), { status: 401, headers })
}

function mapGate(tokens) {
  const allowed = new Set(tokens.map((token) => `Bearer ${token}`))
  return (request) =>
    allowed.has(request.headers.get('authorization')) ? handler(request) : reject()
}

function guard(context) {
  const verifier = () => ({ outcome: 'allow', principal: 'ada' })
  return withAuth(handler, { verifier, context, cache: memoryCache({ allowTtlMs: 3_600_000 }) })
}

const ENDPOINT = process.env.AUTH_ENDPOINT

/** The gate that a user writes without a package, over the `fetch` of the runtime. */
async function postGate(request) {
  const token = request.headers.get('authorization').slice(7)
  const url = new URL(request.url)
  const question = {
    path: url.pathname,
    headers: Object.fromEntries(request.headers),
    params: Object.fromEntries(url.searchParams),
  }
  const response = await fetch(ENDPOINT, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ api_key: token, request: question }),
  })
  await response.text()
  return response.status === 200 ? handler(request) : reject()
}

let fresh = 0
const nextToken = () => {
  fresh += 1
  return createRequest(`sk-${fresh}`)
}

const pairs = {
  'a hit, one token': [mapGate(hotToken), guard(tokenOnly), () => oneOf(hotToken), hotToken],
  'a hit, 10,000 tokens': [
    mapGate(manyTokens),
    guard(tokenOnly),
    () => oneOf(manyTokens),
    manyTokens,
  ],
  'a hit, path and header told': [mapGate(hotToken), guard(told), () => oneOf(hotToken), hotToken],
  'a rejection without a token': [mapGate(hotToken), guard(tokenOnly), () => createRequest(), []],
}

function isRight(result) {
  return result instanceof Response
}

async function measureBatch(gate, create) {
  const requests = Array.from({ length: BATCH }, create)
  const began = performance.now()
  for (const request of requests) {
    const result = gate(request)
    if (!isRight(result) && !isRight(await result)) throw new Error('There was no response')
  }
  return performance.now() - began
}

/** The time of ours as a multiple of the gate by hand, each in its fastest batch. Other processes only add time. */
async function measurePair([byHand, ours, create, cached]) {
  for (const token of cached) await ours(createRequest(token))
  let [leastByHand, leastOfOurs] = [Infinity, Infinity]
  for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round += 1) {
    const took = [await measureBatch(byHand, create), await measureBatch(ours, create)]
    if (round < 0) continue
    leastByHand = Math.min(leastByHand, took[0])
    leastOfOurs = Math.min(leastOfOurs, took[1])
  }
  return leastOfOurs / leastByHand
}

const AT_ONCE = 32
const CALLS = 320

/** The CPU of this process for the calls of one round. Waiting for the endpoint costs nothing. */
async function measureCalls(gate) {
  const began = process.cpuUsage()
  for (let call = 0; call < CALLS; call += AT_ONCE) {
    const results = await Promise.all(Array.from({ length: AT_ONCE }, () => gate(nextToken())))
    if (results.some(({ status }) => status !== 200)) throw new Error('A good token was rejected')
  }
  const { user, system } = process.cpuUsage(began)
  return user + system
}

/** The CPU of a check of a new token, over sockets and with default options, as a multiple of the POST by hand. */
async function measureMiss() {
  const ours = withAuth(handler, { endpoint: ENDPOINT })
  let [leastByHand, leastOfOurs] = [Infinity, Infinity]
  for (let round = -10; round < 20; round += 1) {
    const took = [await measureCalls(postGate), await measureCalls(ours)]
    if (round < 0) continue
    leastByHand = Math.min(leastByHand, took[0])
    leastOfOurs = Math.min(leastOfOurs, took[1])
  }
  return leastOfOurs / leastByHand
}

const ratios = {}
for (const [name, pair] of Object.entries(pairs)) ratios[name] = await measurePair(pair)
ratios['a miss'] = await measureMiss()
console.log(JSON.stringify(ratios))
