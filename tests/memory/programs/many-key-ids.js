// For memory.test.ts: `node --expose-gc many-key-ids.js <url of the built sources> <count>` sends tokens that each name another
// made-up key, and every 1,000th is good. Prints how often the keys were fetched and the growth of the heap.
import { createServer } from 'node:http'
import { heap, makeRequest } from './heap.js'

const folder = process.argv[2]
const { memoryCache, withAuth } = await import(`${folder}/index.js`)
const { jwt } = await import(`${folder}/jwt.js`)

const TOKENS = Number(process.argv[3])
const WAVE = 1000

const encode = (part) => Buffer.from(JSON.stringify(part)).toString('base64url')
const parameters = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const pair = await crypto.subtle.generateKey(parameters, true, ['sign', 'verify'])
const jwk = { ...(await crypto.subtle.exportKey('jwk', pair.publicKey)), kid: 'good' }
const issuer = 'https://login.example.com/'
const payload = encode({
  iss: issuer,
  aud: 'api',
  sub: 'alice',
  exp: Math.floor(Date.now() / 1000) + 3600,
})
const input = `${encode({ alg: 'ES256', kid: 'good' })}.${payload}`
const signature = await crypto.subtle.sign(parameters, pair.privateKey, Buffer.from(input))
const good = `${input}.${Buffer.from(signature).toString('base64url')}`
const [, , signed] = good.split('.')

let fetches = 0
const server = createServer((_request, response) => {
  fetches += 1
  response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys: [jwk] }))
})
await new Promise((resolve) => {
  server.listen(0, '127.0.0.1', resolve)
})
const jwksUri = `http://127.0.0.1:${server.address().port}/`
const guarded = withAuth(() => 'allowed', {
  verifier: jwt({ issuer, audience: 'api', jwksUri }),
  cache: memoryCache(),
})

const requestOf = (token) => makeRequest('/', { authorization: `Bearer ${token}` })
const madeUp = (number) =>
  `${encode({ alg: 'ES256', kid: `key-${number}-${Math.random()}` })}.${payload}.${signed}`
let allowed = 0
let rejected = 0

async function runWave(first) {
  const tokens = [good, ...Array.from({ length: WAVE - 1 }, (_, index) => madeUp(first + index))]
  const results = await Promise.all(tokens.map((token) => guarded(requestOf(token))))
  for (const result of results) {
    if (result === 'allowed') allowed += 1
    else rejected += 1
  }
}

const startedAt = performance.now()
await runWave(0)
const base = await heap()
for (let first = WAVE; first < TOKENS; first += WAVE) await runWave(first)
const seconds = (performance.now() - startedAt) / 1000
const grown = (await heap()) - base
server.close()
server.closeAllConnections()
process.stdout.write(JSON.stringify({ fetches, seconds, grown, allowed, rejected }))
