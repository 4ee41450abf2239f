// Two instances of the package before one engine, in one process. Prints what is wrong, and ends by itself.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import process from 'node:process'
import { createClient } from '@redis/client'
import { createAuthenticator, memoryCache } from 'with-auth'
import { redisStore } from 'with-auth/redis'
import { defineVerifier } from 'with-auth/verifiers'

const [url, folder] = process.argv.slice(2)
const SECRET = 'a secret of the operator, 32 bytes or more'
const REVOCATION_MS = 1000

const read = (name) => readFileSync(`${folder}/${name}.pem`, 'utf8')
const tls = { ca: read('ca'), cert: read('ca'), key: read('key') }
const made = []
const client = (options) => {
  made.push(options)
  return createClient(options)
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

async function until(holds) {
  for (let tries = 0; tries < 2000; tries += 1) {
    if (await holds()) return
    await pause(5)
  }
  throw new Error(`Waited in vain for ${holds}`)
}

function connect(options, outcome = () => 'allow') {
  const events = []
  const store = redisStore({ url, revocationMs: REVOCATION_MS, tls, ...options })
  const onEvent = (event) => events.push(event)
  const cache = memoryCache({ allowTtlMs: 60_000, store, onEvent })
  const authenticate = createAuthenticator({
    verifier: defineVerifier({ ask: () => ({ outcome: outcome(), principal: 'ada' }), id: 'ada' }),
    context: { headers: [], params: 'none', path: false },
    cache,
    onEvent,
  })
  const ask = async (token = 'k1') => {
    const headers = { authorization: `Bearer ${token}` }
    await authenticate(new Request('http://api.test/', { headers }))
    return events.findLast(({ type }) => type === 'decision')
  }
  const stateIs = (state) => events.findLast(({ type }) => type === 'store')?.state === state
  return { ask, stateIs, store, events, invalidate: cache.invalidate }
}

const TESTS = {
  async 'a revocation by one instance ends the decision of another'() {
    let outcome = 'allow'
    const [one, other] = [connect({}), connect({ client }, () => outcome)]
    await Promise.all([one.ask(), other.ask()])
    await until(() => one.stateIs('live') && other.stateIs('live'))
    await other.ask()
    assert.equal((await other.ask()).cache, 'hit')
    outcome = 'deny'
    await one.invalidate('k1')
    await pause(REVOCATION_MS)
    assert.equal((await other.ask()).outcome, 'deny')
    // One connection listens and one sends.
    assert.ok(made.length >= 2)
    return [one, other]
  },
  async 'an allow is shared'() {
    const options = { shareVerdicts: true, secret: SECRET, scope: 'test', timeoutMs: 5000 }
    const [one, other] = [connect(options), connect(options, () => 'deny')]
    await Promise.all([one.ask('first'), other.ask('first')])
    await until(() => one.stateIs('live') && other.stateIs('live'))
    await one.ask('k2')
    let decision
    await until(async () => {
      decision = await other.ask('k2')
      return decision.cache === 'remote'
    })
    assert.equal(decision.outcome, 'allow')
    return [one, other]
  },
  async 'an engine that cannot be trusted is lost, and says why'() {
    const one = connect({ tls: {} })
    await one.ask()
    await until(() => one.stateIs('lost'))
    assert.equal((await one.ask()).outcome, 'allow')
    const { cause } = one.events.findLast(({ type }) => type === 'store')
    assert.match(cause, /^[A-Z][A-Z\d_]+$/)
    return [one]
  },
}

const failures = []
for (const [title, test] of Object.entries(TESTS)) {
  try {
    const connected = await test()
    connected.forEach(({ store }) => store.stop())
  } catch (error) {
    failures.push(`${title}: ${error.stack}`)
  }
}
console.log(JSON.stringify({ passed: Object.keys(TESTS).length - failures.length, failures }))
if (failures.length > 0) process.exit(1)
